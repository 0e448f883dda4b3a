import { describe, expect, it } from 'vitest'
import type { Block, ToolCallBlock, ToolResultBlock } from '../../../src/chat/blocks.js'
import { Losses } from '../../../src/chat/losses.js'
import type { FunctionTool, Turn } from '../../../src/chat/request.js'
import { anthropicMessages as protocol } from '../../../src/protocols/anthropic-messages/index.js'
import { anthropic } from '../../../src/providers/vendors/anthropic.js'
import { errorOf, ISSUER, read, requestWith, write } from './messages-fixtures.js'

const text = (words: string): Block => ({ type: 'text', text: words })
const call = (id: string, input = '{}'): ToolCallBlock => ({ type: 'tool-call', id, name: 'w', input })
const result = (callId: string, words: string): ToolResultBlock => {
  return { type: 'tool-result', callId, blocks: [text(words)], at: `messages[${callId}]` }
}
const turn = (role: Turn['role'], ...blocks: Block[]): Turn => ({ role, blocks, at: 'messages[9]' })
const user = turn('user', text('hi'))
const tool = (name: string, more: Partial<FunctionTool> = {}): FunctionTool => {
  return { type: 'function', name, at: `tools[${name}]`, schema: { type: 'object' }, ...more }
}
const PNG = Buffer.from('\x89PNG\r\n\x1a\n0000', 'latin1').toString('base64')
const JPEG = Buffer.from('\xff\xd8\xff\xe0000', 'latin1').toString('base64')
const image = (data: string, mime?: string): Block => {
  return { type: 'media', kind: 'image', mime, source: { type: 'bytes', data }, at: 'messages[0].content[1]' }
}

describe('writing turns', () => {
  it('HC-001: writes results of parallel calls as one message, before other content', () => {
    const { json } = write({
      turns: [
        turn('user', text('w?')),
        turn('assistant', call('c1', '{"c":"A"}'), call('c2', '{"c":"B"}')),
        turn('user', result('c2', '2'), result('c1', '1')),
        turn('user', text('and now?')),
      ],
    })
    expect(json.messages).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'w?' }] },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'c1', name: 'w', input: { c: 'A' } },
          { type: 'tool_use', id: 'c2', name: 'w', input: { c: 'B' } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'c2', content: '2' },
          { type: 'tool_result', tool_use_id: 'c1', content: '1' },
          { type: 'text', text: 'and now?' },
        ],
      },
    ])
  })

  it('puts results before text of the same turn', () => {
    const { json } = write({
      turns: [user, turn('assistant', call('c1')), turn('user', text('so'), result('c1', '1'))],
    })
    expect(json.messages[2].content.map(({ type }: { type: string }) => type)).toEqual(['tool_result', 'text'])
  })

  it.each([
    [
      "before the user's text",
      [user, turn('assistant', call('c1'), call('c2')), turn('user', result('c1', '1'), text('go'))],
    ],
    ['at the end', [user, turn('assistant', call('c1'), call('c2')), turn('user', result('c1', '1'))]],
  ])('HC-002: adds a failed result for a call without one, %s', (_where, turns) => {
    const { content } = write({ turns }).json.messages[2]
    expect(content.slice(0, 2)).toEqual([
      { type: 'tool_result', tool_use_id: 'c1', content: '1' },
      { type: 'tool_result', tool_use_id: 'c2', content: '[no result was supplied]', is_error: true },
    ])
  })

  it('HC-002: adds results for calls at the end of the conversation', () => {
    const { messages } = write({ turns: [user, turn('assistant', call('c1'))] }).json
    expect(messages[2].content).toMatchObject([{ type: 'tool_result', tool_use_id: 'c1', is_error: true }])
  })

  it.each([
    ['without a call', [user, turn('user', result('zz', '1'))]],
    [
      'that comes too late',
      [user, turn('assistant', call('zz')), user, turn('assistant', text('a')), turn('user', result('zz', '1'))],
    ],
    ['that comes twice', [user, turn('assistant', call('zz')), turn('user', result('zz', '1'), result('zz', '2'))]],
  ])('HC-002: refuses a result %s with its path', (_which, turns) => {
    expect(errorOf(() => write({ turns }))).toMatchObject({ status: 400, param: 'messages[zz]' })
  })

  it('moves system text to the top, in order, with its cache marks', () => {
    const marked: Block = { type: 'text', text: 'a', cache: { ttl: '1h' } }
    const { json, losses } = write({ turns: [turn('system', marked, text(' ')), user, turn('system', text('b'))] })
    expect(json.system).toEqual([
      { type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } },
      { type: 'text', text: 'b' },
    ])
    expect(json.messages).toHaveLength(1)
    expect(losses).toEqual([])
    expect(write({ turns: [turn('system', text('a')), user] }).json.system).toBe('a')
  })

  it('sends system text as the user’s if there is no other, with a loss', () => {
    const { json, losses } = write({ turns: [turn('system', text('a'))] })
    expect(json).toMatchObject({ messages: [{ role: 'user', content: [{ text: 'a' }] }] })
    expect([json.system, losses]).toEqual([undefined, ['messages[9]']])
  })

  it('merges adjacent turns, and drops blank text', () => {
    const { json } = write({
      turns: [turn('user', text('a')), turn('user', text(' \n'), text('b')), turn('user', text(''), text('c'))],
    })
    expect(json.messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
          { type: 'text', text: 'c' },
        ],
      },
    ])
  })

  it('merges the user’s messages around an answer with only dropped thinking', () => {
    const thought: Block = { type: 'reasoning', text: 'hm', signature: { protocol: 'anthropic-messages', value: 's' } }
    const { json } = write({ turns: [turn('user', text('a')), turn('assistant', thought), turn('user', text('b'))] })
    expect(json.messages).toMatchObject([{ role: 'user', content: [{ text: 'a' }, { text: 'b' }] }])
  })

  it('HC-012: passes a prefilled answer on, without trailing white space', () => {
    const { messages } = write({ turns: [user, turn('assistant', text('The answer is ( \n'))] }).json
    expect(messages[1]).toEqual({ role: 'assistant', content: [{ type: 'text', text: 'The answer is (' }] })
  })

  it('refuses a user turn of which nothing is left', () => {
    const turns = [user, turn('assistant', text('a')), turn('user', text(' '))]
    expect(errorOf(() => write({ turns }))).toMatchObject({ status: 400, param: 'messages[9]' })
    const audio: Block = {
      type: 'media',
      kind: 'audio',
      source: { type: 'bytes', data: 'AAAA' },
      at: 'messages[9].content[0]',
    }
    expect(errorOf(() => write({ turns: [turn('user', audio)] }))).toMatchObject({ status: 400, param: 'messages[9]' })
    expect(write({ turns: [turn('user', audio, text('a'))] }).losses).toEqual(['messages[9].content[0]'])
  })

  it.each([
    ['', {}],
    ['{"a":1', { _raw: '{"a":1' }],
    ['[1]', { _raw: '[1]' }],
    ['{"a":1}{"b":2}', { _raw: '{"a":1}{"b":2}' }],
  ])('HC-017: keeps a call with the input %j', (input, expected) => {
    const { json } = write({ turns: [user, turn('assistant', call('c1', input))] })
    expect(json.messages[1].content[0].input).toEqual(expected)
  })

  it("HC-038: keeps every digit of a call's input", () => {
    const losses = new Losses('anthropic-messages')
    const turns = [user, turn('assistant', call('c1', '{"a":12345678901234567890, "b":1.0}'))]
    const writing = { model: 'm', stream: false, issuer: ISSUER, dialect: {}, losses }
    expect(protocol.writeRequest(requestWith({ turns }), writing)).toContain(
      '"input":{"a":12345678901234567890, "b":1.0}}',
    )
  })

  it('HC-016: marks a failed tool result', () => {
    const failed = { ...result('c1', 'ENOENT'), failed: true }
    const { messages } = write({ turns: [user, turn('assistant', call('c1')), turn('user', failed)] }).json
    expect(messages[2].content[0]).toMatchObject({ is_error: true, content: 'ENOENT' })
  })

  it('keeps images in results', () => {
    const shown = { ...result('c1', 'see'), blocks: [text('see'), image(PNG)] }
    const { messages } = write({ turns: [user, turn('assistant', call('c1')), turn('user', shown)] }).json
    expect(messages[2].content[0].content).toMatchObject([{ type: 'text' }, { type: 'image' }])
  })

  it('HC-044: sends thinking only to its issuer', () => {
    const signed = (protocol: string, issuer?: string): Block => {
      return { type: 'reasoning', text: 'hm', signature: { protocol, value: 's', issuer } }
    }
    const redacted: Block = {
      type: 'reasoning',
      text: '',
      signature: { protocol: 'anthropic-messages', value: 'd', id: 'redacted_thinking' },
    }
    const own = [signed('anthropic-messages'), signed('anthropic-messages', ISSUER), redacted]
    const others = [
      signed('gemini'),
      signed('anthropic-messages', 'other#1'),
      { type: 'reasoning', text: 'x' } as Block,
    ]
    const { json, losses } = write({ turns: [user, turn('assistant', ...own, ...others, text('a')), user] })
    expect(json.messages[1].content).toEqual([
      { type: 'thinking', thinking: 'hm', signature: 's' },
      { type: 'thinking', thinking: 'hm', signature: 's' },
      { type: 'redacted_thinking', data: 'd' },
      { type: 'text', text: 'a' },
    ])
    expect(losses).toEqual([])
  })

  it('records losses for names, and for fields and blocks of other protocols', () => {
    const foreign: Block = {
      type: 'foreign',
      protocol: 'gemini',
      kind: 'code',
      value: {},
      at: 'messages[9].content[1]',
    }
    const named: Turn = {
      ...turn('user', { ...text('a'), at: 'x', native: { protocol: 'gemini', fields: { y: 1 } } }, foreign),
      name: 'Bo',
    }
    expect(write({ turns: [named] }).losses).toEqual(['x.y', 'messages[9].name', 'messages[9].content[1]'])
  })
})

describe('writing media', () => {
  const send = (block: Block) => write({ turns: [turn('user', text('a'), block)] }).json.messages[0].content[1]

  it('HC-013: detects the type of an image from its bytes', () => {
    expect(send(image(JPEG, 'image/png')).source).toEqual({ type: 'base64', media_type: 'image/jpeg', data: JPEG })
    expect(send(image('AAAAAAAA', 'image/jpg')).source.media_type).toBe('image/jpeg')
  })

  it.each([['image/svg+xml'], ['image/heic'], [undefined]])(
    'HC-013: refuses an image of type %s with its path',
    (mime) => {
      expect(errorOf(() => send(image('AAAAAAAA', mime)))).toMatchObject({
        status: 400,
        param: 'messages[0].content[1]',
      })
    },
  )

  it('writes documents by their type', () => {
    const file = (more: object): Block => ({ type: 'media', kind: 'file', at: 'f', ...more }) as Block
    const bytes = (content: string) => ({ type: 'bytes', data: Buffer.from(content).toString('base64') })
    expect(send(file({ source: bytes('%PDF-1.4'), name: 'a.pdf' }))).toMatchObject({
      type: 'document',
      title: 'a.pdf',
      source: { type: 'base64', media_type: 'application/pdf' },
    })
    expect(send(file({ source: bytes('a,b'), name: 'a.csv' })).source).toEqual({
      type: 'text',
      media_type: 'text/plain',
      data: 'a,b',
    })
    expect(send(file({ source: { type: 'url', url: 'https://x/a.pdf' } })).source).toEqual({
      type: 'url',
      url: 'https://x/a.pdf',
    })
    expect(send(file({ source: { type: 'bytes', data: PNG } })).type).toBe('image')
    expect(errorOf(() => send(file({ source: bytes('PK'), mime: 'application/zip' })))).toMatchObject({ param: 'f' })
  })

  it('sends file ids only within the protocol', () => {
    const kept = (protocol: string): Block => {
      return { type: 'media', kind: 'image', source: { type: 'id', id: 'f1', protocol }, at: 'i' }
    }
    expect(send(kept('anthropic-messages')).source).toEqual({ type: 'file', file_id: 'f1' })
    expect(write({ turns: [turn('user', text('a'), kept('gemini'))] }).losses).toEqual(['i'])
  })
})

describe('writing tools', () => {
  it('HC-024: writes every tool_choice', () => {
    const tools = [tool('f'), tool('g')]
    const choose = (fields: object) => write({ tools, ...fields }).json.tool_choice
    expect(choose({ toolChoice: { type: 'required' }, parallelToolCalls: false })).toEqual({
      type: 'any',
      disable_parallel_tool_use: true,
    })
    expect(choose({ toolChoice: { type: 'none' }, parallelToolCalls: false })).toEqual({ type: 'none' })
    expect(choose({ parallelToolCalls: false })).toEqual({ type: 'auto', disable_parallel_tool_use: true })
    expect(choose({ parallelToolCalls: true })).toBeUndefined()
    expect(choose({ toolChoice: { type: 'tool', name: 'f' } })).toEqual({ type: 'tool', name: 'f' })
    const { json } = write({ tools, toolChoice: { type: 'allowed', mode: 'required', names: ['g'] } })
    expect([json.tools.map(({ name }: { name: string }) => name), json.tool_choice]).toEqual([['g'], { type: 'any' }])
  })

  it('HC-024: writes no tools and no choice without tools, except the tools that the history calls', () => {
    const { json } = write({ tools: [], toolChoice: { type: 'auto' } })
    expect([json.tools, json.tool_choice]).toEqual([undefined, undefined])
    const { json: past } = write({ turns: [user, turn('assistant', call('c1')), turn('user', result('c1', '1'))] })
    expect(past).toMatchObject({
      tools: [{ name: 'w', input_schema: { type: 'object' } }],
      tool_choice: { type: 'none' },
    })
  })

  it('writes functions with all fields, and web search', () => {
    const marked = tool('f', { description: 'd', strict: true, cache: {}, schema: undefined })
    const { json, losses } = write({
      tools: [
        marked,
        { type: 'web-search', at: 'tools[1]' },
        { type: 'foreign', protocol: 'gemini', kind: 'x', value: {}, at: 'tools[2]' },
      ],
    })
    expect(json.tools).toEqual([
      {
        name: 'f',
        description: 'd',
        input_schema: { type: 'object' },
        strict: true,
        cache_control: { type: 'ephemeral' },
      },
      { type: 'web_search_20250305', name: 'web_search' },
    ])
    expect(losses).toEqual(['tools[2]'])
  })

  it('HC-020: merges a union at the top of a schema, and keeps deeper ones', () => {
    const inner = { type: ['string', 'null'] }
    const branch = (name: string, ...required: string[]) => ({
      type: 'object',
      properties: { [name]: inner, k: {} },
      required,
    })
    const schemaOf = (schema: object) =>
      write({ tools: [tool('f', { schema: schema as Record<string, unknown> })] }).json.tools[0].input_schema
    expect(schemaOf({ anyOf: [branch('a', 'a', 'k'), branch('b', 'b', 'k')], $defs: { X: {} } })).toEqual({
      type: 'object',
      properties: { a: inner, b: inner, k: {} },
      required: ['k'],
      $defs: { X: {} },
    })
    expect(schemaOf({ allOf: [branch('a', 'a'), branch('b', 'b')] }).required).toEqual(['a', 'b'])
    expect(schemaOf({ properties: { a: {} } })).toEqual({ type: 'object', properties: { a: {} } })
    const deep = { type: 'object', properties: { a: { anyOf: [{ type: 'string' }] } } }
    expect(schemaOf(deep)).toEqual(deep)
  })
})

describe('writing other fields', () => {
  it("HC-009: fills in the model's max_tokens", () => {
    expect(write({}, { defaultMaxOutputTokens: 32_000 }).json.max_tokens).toBe(32_000)
    expect(write({ maxOutputTokens: 0 }, { defaultMaxOutputTokens: 32_000 }).json.max_tokens).toBe(0)
  })

  it('HC-004: drops unsupported sampling with losses, and default values without one', () => {
    const none = { sampling: 'none' } as const
    expect(write({ temperature: 0.2, topP: 0.9, topK: 4 }, none).losses).toEqual(['temperature', 'top_p', 'top_k'])
    const usual = write({ temperature: 1, topP: 1 }, none)
    expect([usual.losses, usual.json.temperature, usual.json.top_p]).toEqual([[], undefined, undefined])
  })

  it('limits a temperature to 1, with a loss', () => {
    const { json, losses } = write({ temperature: 1.7, topP: 0.5, topK: 2 })
    expect([json.temperature, json.top_p, json.top_k, losses]).toEqual([1, 0.5, 2, ['temperature']])
  })

  it.each([
    [{ temperature: 0.2, topP: 1 }, { temperature: 0.2 }, []],
    [{ temperature: 1, topP: 0.9 }, { top_p: 0.9 }, []],
    [{ temperature: 0.2, topP: 0.9 }, { temperature: 0.2 }, ['top_p']],
    [{ topP: 0.9 }, { top_p: 0.9 }, []],
  ])('writes one of %j where the model accepts only one', (fields, expected, lost) => {
    const { json, losses } = write(fields, { sampling: 'one' })
    const { temperature, top_p } = json
    expect([JSON.parse(JSON.stringify({ temperature, top_p })), losses]).toEqual([expected, lost])
  })

  it('drops blank stop sequences with a loss', () => {
    const { json, losses } = write({ stop: ['\n', 'END'] })
    expect([json.stop_sequences, losses]).toEqual([['END'], ['stop']])
  })

  it('HC-033: refuses several choices', () => {
    expect(errorOf(() => write({ choices: 2 }))).toMatchObject({ status: 400, param: 'n' })
    expect(write({ choices: 1 }).losses).toEqual([])
  })

  it('writes an answer schema with closed objects, and records plain JSON as a loss', () => {
    const schema = {
      type: 'object',
      properties: { items: { type: 'array', items: { type: 'object', properties: {} } } },
    }
    expect(write({ format: { type: 'schema', schema } }).json.output_config.format).toEqual({
      type: 'json_schema',
      schema: {
        type: 'object',
        properties: {
          items: { type: 'array', items: { type: 'object', properties: {}, additionalProperties: false } },
        },
        additionalProperties: false,
      },
    })
    const any = write({ format: { type: 'json' } })
    expect(any.losses).toEqual(['response_format'])
    expect(any.json).toEqual(write({}).json)
  })

  it('records a loss for fields without an equivalent', () => {
    const { losses } = write({
      frequencyPenalty: 1,
      presencePenalty: 1,
      seed: 0,
      logprobs: 0,
      verbosity: 'low',
      metadata: { a: 'b' },
      serviceTier: 'flex',
      modalities: ['text', 'audio'],
      native: { protocol: 'gemini', fields: { safetySettings: [] } },
    })
    expect([...losses].sort()).toEqual(
      [
        'frequency_penalty',
        'logprobs',
        'metadata',
        'modalities',
        'presence_penalty',
        'safetySettings',
        'seed',
        'service_tier',
        'verbosity',
      ].sort(),
    )
  })

  it('writes user id, service tier and cache control', () => {
    const { json, losses } = write({
      userId: 'u',
      serviceTier: 'default',
      cache: { ttl: '30m' },
      cacheKey: 'k',
      wantsUsage: true,
      stream: true,
    })
    expect(json).toMatchObject({
      metadata: { user_id: 'u' },
      service_tier: 'standard_only',
      cache_control: { type: 'ephemeral', ttl: '1h' },
      stream: true,
    })
    expect(losses).toEqual([])
  })
})

describe('writing reasoning', () => {
  const think = (reasoning: object, dialect: object, more: object = {}) => {
    const { json, losses } = write({ reasoning, maxOutputTokens: 20_000, ...more }, dialect)
    return { thinking: json.thinking, effort: json.output_config?.effort, losses }
  }
  const adaptive = { reasoning: 'adaptive', reasoningEfforts: ['low', 'medium', 'high', 'max'] }
  const budget = { reasoning: 'budget' }

  it.each([
    [{ effort: 'minimal' }, 'low', ['reasoning_effort']],
    [{ effort: 'xhigh' }, 'high', ['reasoning_effort']],
    [{ effort: 'max' }, 'max', []],
    [{ budget: 9000 }, 'medium', []],
    [{ budget: -1 }, undefined, []],
  ])('HC-052: writes %j as %s, with a loss if it differs', (reasoning, effort, losses) => {
    expect(think(reasoning, adaptive)).toEqual({ thinking: { type: 'adaptive' }, effort, losses })
  })

  it('HC-052: disables thinking where the model can, else writes the lowest effort with a loss', () => {
    expect(think({ effort: 'none' }, { ...adaptive, reasoningEfforts: ['none', 'low'] }).thinking).toEqual({
      type: 'disabled',
    })
    expect(think({ effort: 'none' }, adaptive)).toEqual({
      thinking: { type: 'adaptive' },
      effort: 'low',
      losses: ['reasoning_effort'],
    })
    expect(think({ budget: 0 }, budget).thinking).toEqual({ type: 'disabled' })
    expect(think({ effort: 'high' }, { reasoning: 'none' })).toEqual({
      thinking: undefined,
      effort: undefined,
      losses: ['reasoning_effort'],
    })
    expect(think({ effort: 'none' }, { reasoning: 'none' }).losses).toEqual([])
  })

  it('requests summarized or omitted thinking', () => {
    expect(think({ effort: 'low', visible: true }, adaptive).thinking).toEqual({
      type: 'adaptive',
      display: 'summarized',
    })
    expect(think({ budget: 2000, visible: false }, budget).thinking.display).toBe('omitted')
    expect(think({ budget: 2000, visible: true }, budget).thinking.display).toBeUndefined()
  })

  it.each([
    [{ budget: 100 }, 20_000, 1024],
    [{ budget: 30_000 }, 20_000, 19_999],
    [{ effort: 'max' }, 20_000, 10_000],
    [{ effort: 'low' }, 20_000, 2048],
    [{ effort: 'high' }, 1500, 1024],
  ])('writes for %j with max_tokens %d a budget of %d', (reasoning, maxOutputTokens, budget_tokens) => {
    expect(think(reasoning, budget, { maxOutputTokens }).thinking).toEqual({ type: 'enabled', budget_tokens })
  })

  const FORCED = { tools: [tool('f')], toolChoice: { type: 'required' } }
  const LOST = { turns: [user, turn('assistant', call('c1')), turn('user', result('c1', '1'))] }
  it.each([
    ['when a tool is forced', FORCED],
    ['HC-045: when the thinking before the last call is missing', LOST],
    ['when the answer is prefilled', { turns: [user, turn('assistant', text('a'))] }],
    ['when max_tokens is too small', { maxOutputTokens: 1024 }],
  ])('drops a budget %s, with a loss', (_when, more) => {
    expect(think({ effort: 'medium' }, budget, more)).toEqual({
      thinking: undefined,
      effort: undefined,
      losses: ['reasoning_effort'],
    })
  })

  it('HC-045: keeps thinking if it is in the history, and adaptive thinking in any case', () => {
    const thought: Block = { type: 'reasoning', text: 'hm', signature: { protocol: 'anthropic-messages', value: 's' } }
    const turns = [user, turn('assistant', thought, call('c1')), turn('user', result('c1', '1'))]
    expect(think({ effort: 'medium' }, budget, { turns }).thinking.type).toBe('enabled')
    expect(think({ effort: 'medium' }, adaptive, LOST).thinking.type).toBe('adaptive')
  })

  it('drops sampling for a thinking model with losses', () => {
    const { json, losses } = write({ reasoning: { budget: 2000 }, temperature: 0.2, topK: 1 }, budget as object)
    expect([json.temperature, json.top_k, losses]).toEqual([undefined, undefined, ['temperature', 'top_k']])
  })

  it("writes the request's own form for a provider without a dialect", () => {
    expect(think({ budget: 2000 }, {}).thinking).toEqual({ type: 'enabled', budget_tokens: 2000 })
    expect(think({ effort: 'high' }, {})).toMatchObject({ thinking: { type: 'adaptive' }, effort: 'high' })
  })
})

describe('a round trip', () => {
  it.each([
    ['plain', { system: 'be brief', temperature: 0.5, stop_sequences: ['x'], metadata: { user_id: 'u' } }],
    ['thinking', { max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2000 }, inference_geo: 'eu' }],
    ['between tools', { thinking: { type: 'between_tools' } }],
    [
      'adaptive',
      { thinking: { type: 'adaptive', display: 'summarized' }, output_config: { effort: 'high', task_budget: 3 } },
    ],
    [
      'tools',
      {
        tools: [
          { name: 'f', input_schema: { type: 'object' }, defer_loading: true },
          { type: 'bash_20250124', name: 'bash' },
        ],
        tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: true },
      },
    ],
  ])('returns the same request: %s', (_name, fields) => {
    const whole = {
      model: 'claude',
      max_tokens: 100,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
      ...fields,
    }
    const { json, losses } = write(read(whole))
    expect(json).toEqual(whole)
    expect(losses).toEqual([])
  })

  it('returns the same request with every kind of block', () => {
    const messages = [
      {
        role: 'user',
        content: [
          {
            type: 'image',
            source: { type: 'base64', media_type: 'image/png', data: PNG },
            cache_control: { type: 'ephemeral' },
          },
          {
            type: 'document',
            source: { type: 'file', file_id: 'f' },
            title: 't',
            context: 'c',
            citations: { enabled: true },
          },
          { type: 'search_result', source: 's', title: 't', content: [] },
          { type: 'text', text: 'q' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 's' },
          { type: 'redacted_thinking', data: 'd' },
          { type: 'server_tool_use', id: 'srv', name: 'web_search', input: {} },
          { type: 'web_search_tool_result', tool_use_id: 'srv', content: [] },
          { type: 'text', text: 'a', citations: [{ type: 'char_location', cited_text: 'x', document_index: 0 }] },
          { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
        ],
      },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 't',
            content: [
              { type: 'text', text: 'r' },
              { type: 'tool_reference', tool_name: 'x' },
            ],
          },
        ],
      },
    ]
    const tools = [{ name: 'f', input_schema: { type: 'object' } }]
    expect(write(read({ messages, tools })).json.messages).toEqual(messages)
  })
})

describe('the provider Anthropic', () => {
  it.each([
    ['claude-3-haiku-20240307', { reasoning: 'none', defaultMaxOutputTokens: 4096 }],
    ['claude-3-opus-latest', { reasoning: 'none', defaultMaxOutputTokens: 4096 }],
    ['claude-3-5-sonnet-20241022', { reasoning: 'none', defaultMaxOutputTokens: 8192 }],
    ['claude-3-7-sonnet-latest', { reasoning: 'budget', defaultMaxOutputTokens: 64_000 }],
    ['claude-opus-4-20250514', { reasoning: 'budget', defaultMaxOutputTokens: 32_000, sampling: 'any' }],
    ['claude-opus-4-1', { reasoning: 'budget', defaultMaxOutputTokens: 32_000, sampling: 'one' }],
    ['claude-opus-4-5-20251101', { reasoning: 'budget', defaultMaxOutputTokens: 64_000 }],
    ['claude-sonnet-4-20250514', { reasoning: 'budget', defaultMaxOutputTokens: 64_000 }],
    ['claude-haiku-4-5', { reasoning: 'budget', defaultMaxOutputTokens: 64_000, sampling: 'one' }],
    ['claude-sonnet-4-6', { reasoning: 'adaptive', sampling: 'one' }],
    ['claude-opus-4-6', { reasoning: 'adaptive', sampling: 'one' }],
    ['claude-opus-4-7', { reasoning: 'adaptive', sampling: 'none' }],
    ['claude-opus-5-5', { reasoning: 'adaptive', sampling: 'none' }],
    ['claude-sonnet-5-5', { reasoning: 'adaptive', sampling: 'none' }],
    [
      'claude-fable-5',
      { reasoning: 'adaptive', sampling: 'none', reasoningEfforts: ['low', 'medium', 'high', 'xhigh', 'max'] },
    ],
    ['someone-elses', { reasoning: 'budget', sampling: 'any', defaultMaxOutputTokens: 8192 }],
  ])('knows the dialect of %s', (model, expected) => {
    expect(anthropic.dialect?.(model)).toMatchObject(expected)
  })

  it('authenticates with x-api-key', () => {
    expect(anthropic.sign('k')).toEqual(['x-api-key', 'k'])
  })
})
