import { describe, expect, it } from 'vitest'
import type { Block, ToolCallBlock } from '../../../src/chat/blocks.js'
import { Losses, recordForeignFields } from '../../../src/chat/losses.js'
import type { ChatRequest, Turn } from '../../../src/chat/request.js'
import { unwrapSignature, wrapSignature } from '../../../src/chat/signatures.js'
import { gemini } from '../../../src/protocols/gemini/index.js'
import { openaiChat } from '../../../src/protocols/openai-chat/index.js'
import { gemini as provider } from '../../../src/providers/vendors/gemini.js'
import { asking, issuer, read, writing, written } from './setting.js'

const text = (said: string): Block => ({ type: 'text', text: said })
const user = (...blocks: Block[]): Turn => ({ role: 'user', blocks, at: 'messages[0]' })
const assistant = (...blocks: Block[]): Turn => ({ role: 'assistant', blocks, at: 'messages[1]' })
const call = (id: string, name = 'f', more: Partial<ToolCallBlock> = {}): Block => ({
  type: 'tool-call',
  id,
  name,
  input: '{"a":1}',
  ...more,
})
const result = (callId: string, said = 'ok', more: object = {}): Block => ({
  type: 'tool-result',
  callId,
  blocks: [text(said)],
  ...more,
})
const signed = { protocol: 'gemini', value: 'c2ln', issuer }

function lossesOf(request: Partial<ChatRequest>, dialect = {}): string[] {
  const losses = new Losses('gemini', openaiChat.settingNames)
  const asked = { turns: [user(text('hi'))], ...request }
  recordForeignFields(asking(asked), losses)
  written(asked, dialect, losses)
  return losses.list.map(({ path }) => path)
}

describe('turns', () => {
  const contents = (turns: Turn[], dialect = {}): unknown => written({ turns }, dialect).contents

  it('moves system text to the top, and joins adjacent turns', () => {
    const system = (said: string): Turn => ({ role: 'system', blocks: [text(said)] })
    const body = written({
      turns: [
        system('one'),
        user(text('a')),
        system('two'),
        user(text('b')),
        assistant(text('c')),
        assistant(text('d')),
      ],
    })
    expect(body.systemInstruction).toEqual({ parts: [{ text: 'one' }, { text: 'two' }] })
    expect(body.contents).toEqual([
      { role: 'user', parts: [{ text: 'a' }, { text: 'b' }] },
      { role: 'model', parts: [{ text: 'c' }, { text: 'd' }] },
    ])
    expect(written({ turns: [system('alone')] })).toEqual({ contents: [{ role: 'user', parts: [{ text: 'alone' }] }] })
  })

  it('HC-001: writes results in the order of their calls, before other parts', () => {
    const turns = [
      user(text('w?')),
      assistant(call('c1', 'f'), call('c2', 'g')),
      user(result('c2', '2')),
      user(result('c1', '1'), text('and now?')),
    ]
    expect(contents(turns)).toEqual([
      { role: 'user', parts: [{ text: 'w?' }] },
      {
        role: 'model',
        parts: [
          { functionCall: { id: 'c1', name: 'f', args: { a: 1 } } },
          { functionCall: { id: 'c2', name: 'g', args: { a: 1 } } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'c1', name: 'f', response: { output: '1' } } },
          { functionResponse: { id: 'c2', name: 'g', response: { output: '2' } } },
          { text: 'and now?' },
        ],
      },
    ])
  })

  it('HC-002: adds a result for a call without one, and writes a result without a call as text', () => {
    const turns = [user(result('gone', 'late', { name: 'g' })), assistant(call('c1')), user(text('go on'))]
    expect(contents(turns)).toEqual([
      { role: 'user', parts: [{ text: '[the result of g] late' }] },
      { role: 'model', parts: [{ functionCall: { id: 'c1', name: 'f', args: { a: 1 } } }] },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'c1', name: 'f', response: { error: '[no result was supplied]' } } },
          { text: 'go on' },
        ],
      },
    ])
  })

  it('drops ids that the relay created', () => {
    const body = JSON.stringify(contents([user(text('x')), assistant(call('call_abc_0')), user(result('call_abc_0'))]))
    expect(body).not.toContain('"id"')
    expect(body).toContain('"functionResponse":{"name":"f","response":{"output":"ok"}}')
  })

  it.each([
    ['', '{}'],
    ['{"n":9007199254740993,"f":1.0}', '{"n":9007199254740993,"f":1.0}'],
    ['{"a":1', '{"_raw":"{\\"a\\":1"}'],
    ['[1]', '{"_raw":"[1]"}'],
  ])('HC-017, HC-038: writes the input %s as %s', (input, args) => {
    const body = gemini.writeRequest(
      asking({ turns: [user(text('x')), assistant(call('c', 'f', { input }))] }),
      writing(),
    )
    expect(body).toContain(`"args":${args}}`)
  })

  it('HC-016: writes a failed result as an error, and an object as an object', () => {
    const responses = [result('c1', 'ENOENT', { failed: true }), result('c2', '{"n":1e400}'), result('c3', '[1]')]
    const request = asking({
      turns: [user(text('x')), assistant(call('c1'), call('c2'), call('c3')), user(...responses)],
    })
    const body = gemini.writeRequest(request, writing())
    expect(body).toContain('"response":{"error":"ENOENT"}')
    expect(body).toContain('"response":{"n":1e400}')
    expect(body).toContain('"response":{"output":"[1]"}')
  })

  it('HC-013: detects image types, and writes images of results beside or within them', () => {
    const image: Block = {
      type: 'media',
      kind: 'image',
      mime: 'image/png',
      source: { type: 'bytes', data: '/9j/4AAQ' },
    }
    const linked: Block = { type: 'media', kind: 'image', source: { type: 'url', url: 'https://x.test/a' } }
    expect(contents([user(image, linked)])).toEqual([
      {
        role: 'user',
        parts: [
          { inlineData: { mimeType: 'image/jpeg', data: '/9j/4AAQ' } },
          { fileData: { mimeType: 'image/jpeg', fileUri: 'https://x.test/a' } },
        ],
      },
    ])
    const turns = [
      user(text('x')),
      assistant(call('c1')),
      user({ type: 'tool-result', callId: 'c1', blocks: [text('seen'), image] }),
    ]
    const inline = { inlineData: { mimeType: 'image/jpeg', data: '/9j/4AAQ' } }
    const response = { id: 'c1', name: 'f', response: { output: 'seen' } }
    expect(written({ turns }).contents[2]).toEqual({ role: 'user', parts: [{ functionResponse: response }, inline] })
    expect(written({ turns }, { requiresSignatures: true }).contents[2]).toEqual({
      role: 'user',
      parts: [{ functionResponse: { ...response, parts: [inline] } }],
    })
  })

  it('refuses a user turn of which nothing is left, and drops an empty answer', () => {
    const foreign: Block = {
      type: 'foreign',
      protocol: 'anthropic-messages',
      kind: 'search_result',
      value: {},
      at: 'messages[0].content[0]',
    }
    const kept: Block = {
      type: 'media',
      kind: 'file',
      source: { type: 'id', id: 'file-1', protocol: 'openai-chat' },
      at: 'm',
    }
    expect(() => contents([user(foreign)])).toThrow('messages[0]')
    expect(() => contents([user(kept)])).toThrow('messages[0]')
    expect(contents([user(text('a')), assistant(foreign), user(text('b'))])).toEqual([
      { role: 'user', parts: [{ text: 'a' }, { text: 'b' }] },
    ])
    expect(contents([user(text('a')), assistant(foreign)])).toEqual([{ role: 'user', parts: [{ text: 'a' }] }])
    expect(lossesOf({ turns: [user(text('a'), foreign)] })).toEqual(['messages[0].content[0]'])
    expect(contents([user(text(''))])).toEqual([{ role: 'user', parts: [{ text: '' }] }])
  })
})

describe('signatures', () => {
  const parts = (blocks: Block[], dialect = {}, before: Turn[] = [user(text('q'))]): unknown =>
    written({ turns: [...before, assistant(...blocks)] }, dialect).contents[before.length]?.parts

  it('HC-041: stay on their call, and are sent only to their issuer', () => {
    const own = { signature: signed }
    expect(parts([call('c', 'f', own), call('d')])).toEqual([
      { thoughtSignature: 'c2ln', functionCall: { id: 'c', name: 'f', args: { a: 1 } } },
      { functionCall: { id: 'd', name: 'f', args: { a: 1 } } },
    ])
    const strange = { signature: { ...signed, issuer: 'other' } }
    expect(JSON.stringify(parts([call('c', 'f', strange)]))).not.toContain('c2ln')
    expect(JSON.stringify(parts([call('c', 'f', { signature: { protocol: 'gemini', value: 'raw' } })]))).toContain(
      'raw',
    )
  })

  it('HC-041: have a placeholder on the first call of each step of the current turn, where required', () => {
    const before = [
      user(text('old')),
      assistant(call('a')),
      user(result('a')),
      assistant(text('done')),
      user(text('new')),
      assistant(call('b'), call('c')),
      user(result('b'), result('c')),
    ]
    const waived = (dialect: object): unknown[] => {
      const body = written({ turns: [...before, assistant(call('d', 'f', { signature: signed }), call('e'))] }, dialect)
      const all = body.contents.flatMap(({ parts }) => parts)
      return all.filter((part) => part.functionCall).map((part) => part.thoughtSignature)
    }
    expect(waived({ requiresSignatures: true })).toEqual([
      undefined,
      'skip_thought_signature_validator',
      undefined,
      'c2ln',
      undefined,
    ])
    expect(waived({})).toEqual([undefined, undefined, undefined, 'c2ln', undefined])
  })

  it('HC-042: stay with an empty text', () => {
    expect(parts([{ type: 'text', text: '', signature: signed }])).toEqual([{ text: '', thoughtSignature: 'c2ln' }])
    expect(parts([text('a'), { type: 'text', text: '' }])).toEqual([{ text: 'a' }])
  })

  it('move from a thought to the following part', () => {
    const thought: Block = { type: 'reasoning', text: 'hm', signature: signed }
    expect(parts([thought, call('c')])).toEqual([
      { text: 'hm', thought: true },
      { thoughtSignature: 'c2ln', functionCall: { id: 'c', name: 'f', args: { a: 1 } } },
    ])
    expect(parts([{ ...thought, text: '' }, call('c')])).toHaveLength(1)
    expect(parts([thought])).toEqual([{ text: 'hm', thought: true, thoughtSignature: 'c2ln' }])
    expect(parts([text('a'), { ...thought, text: '' }])).toEqual([
      { text: 'a' },
      { text: '', thoughtSignature: 'c2ln' },
    ])
  })

  it('HC-044: of other providers are dropped with their thoughts, without a loss', () => {
    const thought: Block = {
      type: 'reasoning',
      text: 'hm',
      signature: { protocol: 'anthropic-messages', value: 'x' },
      at: 'm',
    }
    expect(parts([thought, text('a')])).toEqual([{ text: 'a' }])
    expect(lossesOf({ turns: [user(text('q')), assistant(thought, text('a'))] })).toEqual([])
  })

  it('are unwrapped from clients of other protocols', () => {
    const carried = wrapSignature({ protocol: 'gemini', value: 'c2ln' }, issuer)
    const request = read({
      contents: [{ parts: [{ text: 'q' }] }, { role: 'model', parts: [{ text: 'a', thoughtSignature: carried }] }],
    })
    expect(request.turns[1]?.blocks[0]).toMatchObject({ signature: unwrapSignature(carried) })
    expect(written(request).contents[1]?.parts).toEqual([{ text: 'a', thoughtSignature: 'c2ln' }])
  })
})

describe('settings', () => {
  const settings = (request: Partial<ChatRequest>, dialect = {}): Record<string, unknown> =>
    written({ turns: [user(text('x'))], ...request }, dialect).generationConfig

  it('writes exactly the requested settings', () => {
    expect(written({ turns: [user(text('x'))] })).toEqual({ contents: [{ role: 'user', parts: [{ text: 'x' }] }] })
    const asked = {
      maxOutputTokens: 9,
      temperature: 0,
      topP: 0.5,
      topK: 4,
      frequencyPenalty: 1,
      presencePenalty: -1,
      seed: 7,
      choices: 2,
      stop: ['a'],
      logprobs: 3,
      modalities: ['text', 'image'],
    } as const
    expect(settings(asked)).toEqual({
      maxOutputTokens: 9,
      temperature: 0,
      topP: 0.5,
      topK: 4,
      frequencyPenalty: 1,
      presencePenalty: -1,
      seed: 7,
      candidateCount: 2,
      stopSequences: ['a'],
      responseLogprobs: true,
      logprobs: 3,
      responseModalities: ['TEXT', 'IMAGE'],
    })
    expect(settings({ logprobs: 0 })).toEqual({ responseLogprobs: true })
  })

  it.each([
    [{ effort: 'high' }, 'gemini-3-pro', { thinkingLevel: 'HIGH', includeThoughts: true }],
    [{ effort: 'max' }, 'gemini-3-pro', { thinkingLevel: 'HIGH', includeThoughts: true }],
    [{ effort: 'none' }, 'gemini-3-pro', { thinkingLevel: 'MINIMAL', includeThoughts: true }],
    [{ budget: 9000, visible: false }, 'gemini-3-pro', { thinkingLevel: 'MEDIUM' }],
    [{ budget: -1 }, 'gemini-3-pro', { includeThoughts: true }],
    [{ effort: 'low' }, 'gemini-2.5-flash', { thinkingBudget: 2048, includeThoughts: true }],
    [{ effort: 'none' }, 'gemini-2.5-flash', { thinkingBudget: 0 }],
    [{ effort: 'none' }, 'gemini-2.5-pro', { thinkingBudget: 1024, includeThoughts: true }],
    [{ budget: 0 }, 'gemini-2.5-pro', { thinkingBudget: 1024, includeThoughts: true }],
    [{ effort: 'max' }, 'gemini-2.5-pro', { thinkingBudget: 16_384, includeThoughts: true }],
    [{ budget: 31_999 }, 'gemini-2.5-pro', { thinkingBudget: 24_576, includeThoughts: true }],
    [{ budget: -1 }, 'gemini-2.5-flash', { thinkingBudget: -1, includeThoughts: true }],
    [{ effort: 'high' }, 'gemini-2.0-flash', undefined],
    [{ effort: 'high' }, 'gemini-next', { thinkingLevel: 'HIGH', includeThoughts: true }],
    [{ budget: 100 }, 'gemini-next', { thinkingBudget: 100, includeThoughts: true }],
    [{ visible: true }, 'gemini-next', { includeThoughts: true }],
  ] as const)('requests reasoning %j of %s with %j', (reasoning, model, thinkingConfig) => {
    expect(settings({ reasoning }, provider.dialect?.(model))?.thinkingConfig).toEqual(thinkingConfig)
  })

  it('HC-018: writes formats in the schema language of the model', () => {
    const format = {
      type: 'schema',
      schema: { type: 'object', properties: { a: { const: 'x' } }, $schema: 's' },
    } as const
    expect(settings({ format })).toEqual({
      responseMimeType: 'application/json',
      responseJsonSchema: { type: 'object', properties: { a: { type: 'string', enum: ['x'] } } },
    })
    expect(settings({ format }, { toolSchemas: 'subset' })).toHaveProperty('responseSchema')
    expect(settings({ format: { type: 'json' } })).toEqual({ responseMimeType: 'application/json' })
    expect(settings({ format: { type: 'text' } })).toBeUndefined()
  })

  it('records losses', () => {
    expect(
      lossesOf({
        verbosity: 'low',
        metadata: { a: 'b' },
        serviceTier: 'scale',
        seed: 2 ** 40,
        tools: [
          { type: 'function', name: 'f', at: 'tools[0]' },
          { type: 'foreign', protocol: 'x', kind: 'y', value: {}, at: 'tools[1]' },
        ],
        parallelToolCalls: false,
        native: { protocol: 'openai-chat', fields: { logit_bias: {} } },
        cacheKey: 'k',
        userId: 'u',
        wantsUsage: true,
        cache: {},
      }).sort(),
    ).toEqual(['logit_bias', 'metadata', 'parallel_tool_calls', 'seed', 'service_tier', 'tools[1]', 'verbosity'])
    expect(
      lossesOf({ temperature: 0.5, reasoning: { effort: 'low' } }, { sampling: 'none', reasoning: 'none' }),
    ).toEqual(['temperature', 'reasoning_effort'])
  })

  it('restores native fields', () => {
    const body = {
      contents: [
        {
          role: 'user',
          parts: [
            { inlineData: { mimeType: 'image/png', data: 'AA', displayName: 'd' }, mediaResolution: { level: 'x' } },
          ],
        },
      ],
      safetySettings: [{ category: 'X' }],
      store: false,
      toolConfig: { retrievalConfig: { languageCode: 'de' } },
      generationConfig: { speechConfig: { a: 1 }, thinkingConfig: { other: 1 } },
    }
    expect(written(read(body))).toEqual({
      ...body,
      generationConfig: { speechConfig: { a: 1 }, thinkingConfig: { other: 1, includeThoughts: true } },
    })
  })
})

describe('tools', () => {
  const fn = (schema?: object): ChatRequest['tools'] => [
    {
      type: 'function',
      name: 'f',
      description: 'd',
      at: 'tools[0]',
      ...(schema ? { schema: schema as Record<string, unknown> } : {}),
    },
  ]
  const body = (request: Partial<ChatRequest>, dialect = {}) =>
    written({ turns: [user(text('x'))], ...request }, dialect)

  it('writes functions, search and its own tools', () => {
    const own: ChatRequest['tools'][number] = {
      type: 'foreign',
      protocol: 'gemini',
      kind: 'codeExecution',
      value: { codeExecution: {} },
      at: 't',
    }
    const schema = { type: 'object', properties: { a: { type: 'string' } } }
    expect(body({ tools: [...fn(schema), { type: 'web-search', at: 't' }, own] }).tools).toEqual([
      { functionDeclarations: [{ name: 'f', description: 'd', parametersJsonSchema: schema }] },
      { googleSearch: {} },
      { codeExecution: {} },
    ])
    expect(body({ tools: fn(schema) }, { toolSchemas: 'subset' }).tools).toEqual([
      { functionDeclarations: [{ name: 'f', description: 'd', parameters: schema }] },
    ])
  })

  it('drops an empty schema', () => {
    const bare = [{ functionDeclarations: [{ name: 'f', description: 'd' }] }]
    expect(body({ tools: fn() }).tools).toEqual(bare)
    expect(body({ tools: fn({ type: 'object', properties: {}, additionalProperties: false }) }).tools).toEqual(bare)
    expect(body({ tools: fn({ type: 'object', additionalProperties: true }) }).tools).not.toEqual(bare)
  })

  it.each([
    [{ type: 'auto' }, { mode: 'AUTO' }],
    [{ type: 'none' }, { mode: 'NONE' }],
    [{ type: 'required' }, { mode: 'ANY' }],
    [
      { type: 'tool', name: 'f' },
      { mode: 'ANY', allowedFunctionNames: ['f'] },
    ],
    [
      { type: 'allowed', mode: 'auto', names: ['f'] },
      { mode: 'VALIDATED', allowedFunctionNames: ['f'] },
    ],
    [
      { type: 'allowed', mode: 'required', names: ['f', 'g'] },
      { mode: 'ANY', allowedFunctionNames: ['f', 'g'] },
    ],
  ] as const)('HC-024: writes the choice %j', (toolChoice, functionCallingConfig) => {
    expect(body({ tools: fn(), toolChoice }).toolConfig).toEqual({ functionCallingConfig })
    expect(body({ toolChoice }).toolConfig).toBeUndefined()
  })

  it('counts the whole request', () => {
    const counted = JSON.parse(
      gemini.tokenCounting?.writeRequest(asking({ turns: [user(text('x'))] }), writing()) ?? '',
    )
    expect(counted).toEqual({
      generateContentRequest: { model: 'models/gemini-3', contents: [{ role: 'user', parts: [{ text: 'x' }] }] },
    })
    expect(gemini.tokenCounting?.readCount(Buffer.from('{"totalTokens":5}'))).toBe(5)
    expect(gemini.tokenCounting?.readCount(Buffer.from('{"error":{}}'))).toBeUndefined()
    expect(gemini.tokenCounting?.readCount(Buffer.from('<html>'))).toBeUndefined()
    expect(gemini.tokenCounting?.writeCount(3)).toBe('{"totalTokens":3}')
  })
})
