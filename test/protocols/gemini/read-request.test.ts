import { describe, expect, it } from 'vitest'
import { RelayError } from '../../../src/errors.js'
import { gemini } from '../../../src/protocols/gemini/index.js'
import { plain, read } from './setting.js'

function refusal(body: unknown): { message: string; param: string | null; status: number } {
  try {
    read(body)
  } catch (error) {
    if (error instanceof RelayError) return error
    throw error
  }
  throw new Error('it was read')
}

const user = { role: 'user', parts: [{ text: 'hi' }] }

describe('facts', () => {
  const body = Buffer.from(JSON.stringify({ contents: [user] }))
  const facts = (id: string, stream: boolean | undefined, query = '') => gemini.readFacts(body, { id, stream, query })

  it('reads model and stream flag from the path', () => {
    expect(facts('gemini-3', false)).toMatchObject({
      model: 'gemini-3',
      modelSpan: undefined,
      stream: false,
      usesOwnFraming: false,
    })
    expect(facts('models/gemini-3', true, 'alt=sse')).toMatchObject({
      model: 'gemini-3',
      stream: true,
      usesOwnFraming: false,
    })
    expect(facts('tunedModels/x', true, 'key=k')).toMatchObject({ model: 'tunedModels/x', usesOwnFraming: true })
    expect(facts('x', true, 'key=k&alt=sse')).toMatchObject({ usesOwnFraming: false })
    expect(facts('x', true, 'alt=json')).toMatchObject({ usesOwnFraming: true })
  })

  it.each([
    ['', 'The body is empty'],
    ['{', 'not valid JSON'],
    ['[]', 'expected an object'],
    ['{}', "'contents'"],
    ['{"contents":[]}', 'must not be empty'],
    ['{"contents":7}', 'expected an object'],
    [`{"contents":[${'['.repeat(2000)}${']'.repeat(2000)}]}`, 'too deep'],
  ])('refuses %.20s', (text, words) => {
    expect(() => gemini.readFacts(Buffer.from(text), { id: 'x', stream: false, query: '' })).toThrow(words)
  })

  it('finds the request within a count request', () => {
    const count = Buffer.from(JSON.stringify({ generateContentRequest: { model: 'models/x', contents: [user] } }))
    expect(gemini.readFacts(count, { id: 'x', stream: undefined, query: '' }).model).toBe('x')
    expect(gemini.tokenCounting?.readRequest(count, { id: 'x', stream: undefined, query: '' }).turns).toHaveLength(1)
    expect(gemini.tokenCounting?.readRequest(body, { id: 'x', stream: undefined, query: '' }).turns).toHaveLength(1)
  })
})

describe('path', () => {
  it('HC-141: encodes the model name', () => {
    expect(gemini.pathFor('gemini-3', false)).toBe('/v1beta/models/gemini-3:generateContent')
    expect(gemini.pathFor('models/gemini-3', true)).toBe('/v1beta/models/gemini-3:streamGenerateContent?alt=sse')
    expect(gemini.pathFor('tunedModels/mine', false)).toBe('/v1beta/tunedModels/mine:generateContent')
    expect(gemini.pathFor('google/gemini@1:b', false)).toBe('/v1beta/models/google/gemini%401%3Ab:generateContent')
    expect(gemini.tokenCounting?.pathFor('x')).toBe('/v1beta/models/x:countTokens')
  })

  it.each([
    '../../v1/files',
    '..%2F..%2Ffiles',
    'gemini-x?key=1#',
    'x:generateContent/../y',
    '..',
    '.',
    '%2e%2e',
    '',
    'models/',
    'a//b',
    '/a',
    'a/',
    'a b',
    'a\\b',
    'models/..',
  ])('HC-141: refuses %s', (model) => {
    expect(() => gemini.pathFor(model, false)).toThrow(RelayError)
  })
})

describe('conversation', () => {
  it('reads every shape of contents', () => {
    const said = (contents: unknown) => plain(read({ contents }).turns.map(({ role, blocks }) => [role, blocks]))
    const hi = [['user', [{ type: 'text', text: 'hi', at: expect.any(String) }]]]
    expect(said([user])).toEqual(hi)
    expect(said(user)).toEqual(hi)
    expect(said({ parts: [{ text: 'hi' }] })).toEqual(hi)
    expect(said({ parts: { text: 'hi' } })).toEqual(hi)
    expect(said('hi')).toEqual(hi)
    expect(said(['hi'])).toEqual(hi)
    expect(said([{ role: 'user', parts: ['hi'] }])).toEqual(hi)
  })

  it('reads camelCase and snake_case alike', () => {
    const camel = {
      contents: [
        { role: 'user', parts: [{ inlineData: { mimeType: 'image/png', data: 'AA' } }] },
        { role: 'model', parts: [{ functionCall: { name: 'f', args: { a_b: 1 } }, thoughtSignature: 'c2ln' }] },
        { role: 'user', parts: [{ functionResponse: { name: 'f', response: { output: 'ok' } } }] },
        {
          role: 'user',
          parts: [{ fileData: { mimeType: 'video/mp4', fileUri: 'gs://b/v' }, videoMetadata: { fps: 1 } }],
        },
      ],
      systemInstruction: { parts: [{ text: 'sys' }] },
      tools: [
        { functionDeclarations: [{ name: 'f', parametersJsonSchema: { type: 'object' } }] },
        { googleSearch: {} },
      ],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } },
      generationConfig: {
        maxOutputTokens: 5,
        topP: 0.5,
        topK: 3,
        stopSequences: ['x'],
        candidateCount: 2,
        responseMimeType: 'application/json',
        responseJsonSchema: { type: 'object' },
        thinkingConfig: { thinkingBudget: 7, includeThoughts: true },
        responseLogprobs: true,
        logprobs: 2,
        speechConfig: { a: 1 },
      },
      safetySettings: [{ category: 'X' }],
      cachedContent: 'cachedContents/1',
    }
    const snake = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(snake)
      if (typeof value !== 'object' || value === null) return value
      const entries = Object.entries(value)
      return Object.fromEntries(
        entries.map(([name, one]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), snake(one)]),
      )
    }
    const [one, other] = [camel, snake(camel)].map((body) => plain({ ...read(body) }))
    const bare = (request: unknown) => JSON.parse(JSON.stringify(request).replace(/"at":"[^"]*"/g, '"at":""'))
    expect(bare(other)).toEqual(bare(one))
    expect(one).toMatchObject({
      choices: 2,
      logprobs: 2,
      maxOutputTokens: 5,
      reasoning: { budget: 7, visible: true },
      toolChoice: { type: 'tool', name: 'f' },
      format: { type: 'schema', schema: { type: 'object' } },
      native: {
        protocol: 'gemini',
        fields: {
          safetySettings: [{ category: 'X' }],
          cachedContent: 'cachedContents/1',
          'generationConfig.speechConfig': { a: 1 },
        },
      },
    })
  })

  it('joins results to calls by id, else by name in order', () => {
    const call = (name: string, id?: string) => ({ functionCall: { name, args: {}, ...(id ? { id } : {}) } })
    const result = (name: string, output: string, id?: string) => ({
      functionResponse: { name, response: { output }, ...(id ? { id } : {}) },
    })
    const request = read({
      contents: [
        user,
        { role: 'model', parts: [call('f'), call('g', 'own'), call('f')] },
        { role: 'function', parts: [result('f', '1'), result('g', '2', 'own'), result('f', '3')] },
      ],
    })
    const ids = request.turns[1]?.blocks.map((block) => block.type === 'tool-call' && block.id)
    const answered = request.turns[2]?.blocks.map((block) => block.type === 'tool-result' && block.callId)
    expect(ids).toEqual(['call_turn_0', 'own', 'call_turn_1'])
    expect(answered).toEqual(ids)
  })

  it.each([
    [{ output: 'ok' }, 'ok', undefined],
    [{ result: 'ok' }, 'ok', undefined],
    [{ output: { a: 1 } }, '{"a":1}', undefined],
    [{ error: 'ENOENT' }, 'ENOENT', true],
    [{ temperature: 20 }, '{"temperature":20}', undefined],
    [{ output: 1, more: 2 }, '{"output":1,"more":2}', undefined],
  ])('reads the result %j', (response, text, failed) => {
    const request = read({ contents: [{ role: 'user', parts: [{ functionResponse: { name: 'f', response } }] }] })
    expect(plain(request.turns[0]?.blocks[0])).toMatchObject({
      type: 'tool-result',
      name: 'f',
      blocks: [{ type: 'text', text }],
    })
    expect(request.turns[0]?.blocks[0]).toHaveProperty('failed', failed)
  })

  it('reads thoughts and signatures, and ignores placeholders', () => {
    const parts = [
      { text: 'hm', thought: true, thoughtSignature: 'cw==' },
      { text: '', thoughtSignature: 'dA==' },
      { functionCall: { name: 'f' }, thoughtSignature: 'skip_thought_signature_validator' },
    ]
    const { turns } = read({ contents: [user, { role: 'model', parts }] })
    expect(turns[1]?.blocks).toMatchObject([
      { type: 'reasoning', text: 'hm', signature: { protocol: 'gemini', value: 'cw==' } },
      { type: 'text', text: '', signature: { protocol: 'gemini', value: 'dA==' } },
      { type: 'tool-call', input: '{}', signature: undefined },
    ])
  })

  it('HC-040: keeps its own parts unchanged, and names unknown ones', () => {
    const part = { executableCode: { language: 'PYTHON', code: '1' } }
    const { turns } = read({ contents: [user, { role: 'model', parts: [part, { toolCall: { id: 'x' } }] }] })
    expect(turns[1]?.blocks).toMatchObject([
      { type: 'foreign', protocol: 'gemini', kind: 'executableCode', value: part, at: 'contents[1].parts[0]' },
      { type: 'foreign', kind: 'toolCall' },
    ])
    expect(refusal({ contents: [{ parts: [{ hologram: {} }] }] })).toMatchObject({
      message: 'contents[0].parts[0]: unknown "hologram"',
      param: 'contents[0].parts[0]',
      status: 400,
    })
  })

  it.each([
    [{ contents: [{ role: 'speaker', parts: [] }] }, 'contents[0].role'],
    [{ contents: [{ role: 'user', parts: [] }] }, 'contents[0].parts'],
    [{ contents: [{ role: 'user' }] }, 'contents[0].parts'],
    [{ contents: [{ parts: 7 }] }, 'contents[0].parts'],
    [{ contents: [{ parts: [null] }] }, 'contents[0].parts[0]'],
    [{ contents: [{ parts: [{}] }] }, 'contents[0].parts[0]'],
    [{ contents: [{ parts: [{ text: 7 }] }] }, 'contents[0].parts[0].text'],
    [{ contents: [{ parts: [{ text: 'a', inlineData: {} }] }] }, 'contents[0].parts[0]'],
    [{ contents: [{ parts: [{ inlineData: { mimeType: 'image/png' } }] }] }, 'contents[0].parts[0].inlineData.data'],
    [{ contents: [{ parts: [{ functionCall: { args: {} } }] }] }, 'contents[0].parts[0].functionCall.name'],
    [{ contents: [{ parts: [{ functionCall: { name: 'f', args: 'x' } }] }] }, 'contents[0].parts[0].functionCall.args'],
    [{ contents: [7] }, 'contents[0]'],
    [{ contents: 'x', tools: [{ teleport: {} }] }, 'tools[0]'],
    [{ contents: 'x', tools: 'f' }, 'tools[0]'],
    [{ contents: 'x', tools: [{ functionDeclarations: [{}] }] }, 'tools[0].functionDeclarations[0].name'],
    [
      { contents: 'x', toolConfig: { functionCallingConfig: { mode: 'MAYBE' } } },
      'toolConfig.functionCallingConfig.mode',
    ],
    [{ contents: 'x', generationConfig: { temperature: '1' } }, 'generationConfig.temperature'],
    [{ contents: 'x', generationConfig: { seed: 2 ** 53 } }, 'generationConfig.seed'],
    [{ contents: 'x', generationConfig: { stopSequences: 'x' } }, 'generationConfig.stopSequences'],
    [
      { contents: 'x', generationConfig: { thinkingConfig: { thinkingLevel: 'HUGE' } } },
      'generationConfig.thinkingConfig.thinkingLevel',
    ],
    [{ contents: 'x', generationConfig: { responseModalities: ['SMELL'] } }, 'generationConfig.responseModalities[0]'],
    [{ contents: 'x', systemInstruction: 7 }, 'systemInstruction'],
  ])('refuses %j with its path', (body, place) => {
    const { param, status } = refusal(body)
    expect(status).toBe(400)
    // A tool that is no list is looked at as the one tool that it may be.
    expect([place, place.replace('[0]', '')]).toContain(param)
  })
})

describe('settings and tools', () => {
  const settings = (generationConfig: object) => plain(read({ contents: 'x', generationConfig }))

  it('reads formats', () => {
    expect(settings({ responseMimeType: 'application/json' }).format).toEqual({ type: 'json' })
    expect(settings({ responseMimeType: 'text/plain' }).format).toBeUndefined()
    expect(
      settings({
        responseMimeType: 'application/json',
        responseSchema: { type: 'OBJECT', properties: { type: { type: 'STRING', nullable: true } } },
      }).format,
    ).toEqual({ type: 'schema', schema: { type: 'object', properties: { type: { type: ['string', 'null'] } } } })
    expect(
      settings({ responseMimeType: 'text/x.enum', responseSchema: { type: 'STRING', enum: ['A'] } }),
    ).toMatchObject({
      native: { fields: { 'generationConfig.responseMimeType': 'text/x.enum' } },
    })
  })

  it('reads thinking levels, and drops default values', () => {
    expect(settings({ thinkingConfig: { thinkingLevel: 'HIGH' } }).reasoning).toEqual({ effort: 'high' })
    expect(settings({ frequencyPenalty: 0, candidateCount: 1, responseModalities: [] })).toEqual({
      ...plain(read({ contents: 'x' })),
    })
    expect(plain(read({ contents: 'x', serviceTier: 'standard', model: 'models/x' }))).toEqual({
      ...plain(read({ contents: 'x' })),
      serviceTier: 'default',
    })
  })

  it('HC-020: reads OpenAPI schemas as JSON Schema', () => {
    const parameters = {
      type: 'OBJECT',
      properties: { nullable: { type: 'ARRAY', items: { type: 'NUMBER' }, minItems: '1', nullable: true } },
      propertyOrdering: ['nullable'],
    }
    const { tools } = read({
      contents: 'x',
      tools: [{ functionDeclarations: [{ name: 'f', parameters, behavior: 'BLOCKING' }] }],
    })
    expect(tools[0]).toMatchObject({
      schema: {
        type: 'object',
        properties: { nullable: { type: ['array', 'null'], items: { type: 'number' }, minItems: 1 } },
      },
      at: 'tools[0].functionDeclarations[0]',
      native: { protocol: 'gemini', fields: { behavior: 'BLOCKING' } },
    })
  })

  it.each([
    [{ mode: 'AUTO' }, { type: 'auto' }],
    [{ mode: 'any' }, { type: 'required' }],
    [{ mode: 'NONE' }, { type: 'none' }],
    [
      { mode: 'ANY', allowedFunctionNames: ['f'] },
      { type: 'tool', name: 'f' },
    ],
    [
      { mode: 'ANY', allowedFunctionNames: ['f', 'g'] },
      { type: 'allowed', mode: 'required', names: ['f', 'g'] },
    ],
    [
      { mode: 'VALIDATED', allowedFunctionNames: ['f'] },
      { type: 'allowed', mode: 'auto', names: ['f'] },
    ],
    [{}, undefined],
  ])('reads the choice %j', (functionCallingConfig, choice) => {
    expect(read({ contents: 'x', toolConfig: { functionCallingConfig } }).toolChoice).toEqual(choice)
  })

  it('distinguishes search, functions and tools that run at Google', () => {
    const { tools } = read({ contents: 'x', tools: [{ googleSearch: {}, codeExecution: {} }, { urlContext: {} }] })
    expect(tools).toMatchObject([
      { type: 'web-search', at: 'tools[0].googleSearch' },
      { type: 'foreign', kind: 'codeExecution', value: { codeExecution: {} } },
      { type: 'foreign', kind: 'urlContext', at: 'tools[1].urlContext' },
    ])
  })

  it('HC-142: accepts names of Object.prototype', () => {
    const body =
      '{"contents":"x","__proto__":{"isAdmin":true},"generationConfig":{"__proto__":{"a":1}},"tools":[{"functionDeclarations":[{"name":"constructor"}]}]}'
    const request = gemini.readRequest(Buffer.from(body), { id: 'x', stream: false, query: '' })
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
    expect(request.tools[0]).toMatchObject({ name: 'constructor' })
  })
})
