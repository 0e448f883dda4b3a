import { describe, expect, it } from 'vitest'
import type { Block, ToolCallBlock, ToolResultBlock } from '../../../src/chat/blocks.js'
import { Losses } from '../../../src/chat/losses.js'
import type { FunctionTool, Turn } from '../../../src/chat/request.js'
import { anthropicMessages as protocol } from '../../../src/protocols/anthropic-messages/index.js'
import { anthropic } from '../../../src/providers/vendors/anthropic.js'
import { ask, errorOf, ISSUER, read, write } from './speak.js'

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

describe('turns, written', () => {
  it('HC-001: results of parallel calls are one message, before what else was said', () => {
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

  it('puts results before text that a picture came with in one turn', () => {
    const { json } = write({
      turns: [user, turn('assistant', call('c1')), turn('user', text('so'), result('c1', '1'))],
    })
    expect(json.messages[2].content.map(({ type }: { type: string }) => type)).toEqual(['tool_result', 'text'])
  })

  it.each([
    [
      'before a question',
      [user, turn('assistant', call('c1'), call('c2')), turn('user', result('c1', '1'), text('go'))],
    ],
    ['at the end', [user, turn('assistant', call('c1'), call('c2')), turn('user', result('c1', '1'))]],
  ])('HC-002: a call without a result gets one that says so, %s', (_where, turns) => {
    const { content } = write({ turns }).json.messages[2]
    expect(content.slice(0, 2)).toEqual([
      { type: 'tool_result', tool_use_id: 'c1', content: '1' },
      { type: 'tool_result', tool_use_id: 'c2', content: '[no result was supplied]', is_error: true },
    ])
  })

  it('HC-002: answers calls that nothing follows, or only text', () => {
    const { messages } = write({ turns: [user, turn('assistant', call('c1'))] }).json
    expect(messages[2].content).toMatchObject([{ type: 'tool_result', tool_use_id: 'c1', is_error: true }])
  })

  it.each([
    ['that nobody called', [user, turn('user', result('zz', '1'))]],
    [
      'that comes too late',
      [user, turn('assistant', call('zz')), user, turn('assistant', text('a')), turn('user', result('zz', '1'))],
    ],
    ['that comes twice', [user, turn('assistant', call('zz')), turn('user', result('zz', '1'), result('zz', '2'))]],
  ])('HC-002: refuses a result %s, naming it', (_which, turns) => {
    expect(errorOf(() => write({ turns }))).toMatchObject({ status: 400, param: 'messages[zz]' })
  })

  it('hoists system text, in order, as blocks that keep their marks', () => {
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

  it('sends text of the system as the user’s when there is no other, and says so', () => {
    const { json, losses } = write({ turns: [turn('system', text('a'))] })
    expect(json).toMatchObject({ messages: [{ role: 'user', content: [{ text: 'a' }] }] })
    expect([json.system, losses]).toEqual([undefined, ['messages[9]']])
  })

  it('merges neighbours, and leaves blank text out', () => {
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

  it('merges the user’s messages around an answer that was only thoughts', () => {
    const thought: Block = { type: 'reasoning', text: 'hm', signature: { protocol: 'anthropic-messages', value: 's' } }
    const { json } = write({ turns: [turn('user', text('a')), turn('assistant', thought), turn('user', text('b'))] })
    expect(json.messages).toMatchObject([{ role: 'user', content: [{ text: 'a' }, { text: 'b' }] }])
  })

  it('HC-012: an answer to be gone on with is passed, without white space at its end', () => {
    const { messages } = write({ turns: [user, turn('assistant', text('The answer is ( \n'))] }).json
    expect(messages[1]).toEqual({ role: 'assistant', content: [{ type: 'text', text: 'The answer is (' }] })
  })

  it('never makes an answer the last word by leaving out a question', () => {
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
  ])('HC-017: the input %j keeps its call', (input, expected) => {
    const { json } = write({ turns: [user, turn('assistant', call('c1', input))] })
    expect(json.messages[1].content[0].input).toEqual(expected)
  })

  it('HC-038: the numbers of a call keep every digit', () => {
    const losses = new Losses('anthropic-messages')
    const turns = [user, turn('assistant', call('c1', '{"a":12345678901234567890, "b":1.0}'))]
    const writing = { model: 'm', stream: false, issuer: ISSUER, dialect: {}, losses }
    expect(protocol.writeRequest(ask({ turns }), writing)).toContain('"input":{"a":12345678901234567890, "b":1.0}}')
  })

  it('HC-016: a failed tool is flagged', () => {
    const failed = { ...result('c1', 'ENOENT'), failed: true }
    const { messages } = write({ turns: [user, turn('assistant', call('c1')), turn('user', failed)] }).json
    expect(messages[2].content[0]).toMatchObject({ is_error: true, content: 'ENOENT' })
  })

  it('keeps pictures in results', () => {
    const shown = { ...result('c1', 'see'), blocks: [text('see'), image(PNG)] }
    const { messages } = write({ turns: [user, turn('assistant', call('c1')), turn('user', shown)] }).json
    expect(messages[2].content[0].content).toMatchObject([{ type: 'text' }, { type: 'image' }])
  })

  it('HC-044: sends thoughts only to those who had them', () => {
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

  it('declares names, others’ fields and others’ blocks as lost', () => {
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

describe('media, written', () => {
  const send = (block: Block) => write({ turns: [turn('user', text('a'), block)] }).json.messages[0].content[1]

  it('HC-013: the bytes say what a picture is', () => {
    expect(send(image(JPEG, 'image/png')).source).toEqual({ type: 'base64', media_type: 'image/jpeg', data: JPEG })
    expect(send(image('AAAAAAAA', 'image/jpg')).source.media_type).toBe('image/jpeg')
  })

  it.each([['image/svg+xml'], ['image/heic'], [undefined]])(
    'HC-013: refuses a picture of type %s, naming the part',
    (mime) => {
      expect(errorOf(() => send(image('AAAAAAAA', mime)))).toMatchObject({
        status: 400,
        param: 'messages[0].content[1]',
      })
    },
  )

  it('writes documents as what they are', () => {
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

  it('sends ids of files only where they mean something', () => {
    const kept = (protocol: string): Block => {
      return { type: 'media', kind: 'image', source: { type: 'id', id: 'f1', protocol }, at: 'i' }
    }
    expect(send(kept('anthropic-messages')).source).toEqual({ type: 'file', file_id: 'f1' })
    expect(write({ turns: [turn('user', text('a'), kept('gemini'))] }).losses).toEqual(['i'])
  })
})

describe('tools, written', () => {
  it('HC-024: tool_choice in its corners', () => {
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

  it('HC-024: no tools and no choice when there are none, but history with calls keeps them declared', () => {
    const { json } = write({ tools: [], toolChoice: { type: 'auto' } })
    expect([json.tools, json.tool_choice]).toEqual([undefined, undefined])
    const { json: past } = write({ turns: [user, turn('assistant', call('c1')), turn('user', result('c1', '1'))] })
    expect(past).toMatchObject({
      tools: [{ name: 'w', input_schema: { type: 'object' } }],
      tool_choice: { type: 'none' },
    })
  })

  it('writes a function with what belongs to it, and the search of the web', () => {
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

  it('HC-020: alternatives at the top of a schema become one object; deeper ones stay', () => {
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

describe('the rest of a request, written', () => {
  it('HC-009: fills in max_tokens by the model', () => {
    expect(write({}, { defaultMaxOutputTokens: 32_000 }).json.max_tokens).toBe(32_000)
    expect(write({ maxOutputTokens: 0 }, { defaultMaxOutputTokens: 32_000 }).json.max_tokens).toBe(0)
  })

  it('HC-004: sampling is left out where it is not taken, and said so unless it was the usual', () => {
    const none = { sampling: 'none' } as const
    expect(write({ temperature: 0.2, topP: 0.9, topK: 4 }, none).losses).toEqual(['temperature', 'top_p', 'top_k'])
    const usual = write({ temperature: 1, topP: 1 }, none)
    expect([usual.losses, usual.json.temperature, usual.json.top_p]).toEqual([[], undefined, undefined])
  })

  it('clamps a temperature above 1, and says so', () => {
    const { json, losses } = write({ temperature: 1.7, topP: 0.5, topK: 2 })
    expect([json.temperature, json.top_p, json.top_k, losses]).toEqual([1, 0.5, 2, ['temperature']])
  })

  it.each([
    [{ temperature: 0.2, topP: 1 }, { temperature: 0.2 }, []],
    [{ temperature: 1, topP: 0.9 }, { top_p: 0.9 }, []],
    [{ temperature: 0.2, topP: 0.9 }, { temperature: 0.2 }, ['top_p']],
    [{ topP: 0.9 }, { top_p: 0.9 }, []],
  ])('of %j writes one, where both are not taken', (fields, expected, lost) => {
    const { json, losses } = write(fields, { sampling: 'one' })
    const { temperature, top_p } = json
    expect([JSON.parse(JSON.stringify({ temperature, top_p })), losses]).toEqual([expected, lost])
  })

  it('drops stop sequences of white space', () => {
    const { json, losses } = write({ stop: ['\n', 'END'] })
    expect([json.stop_sequences, losses]).toEqual([['END'], ['stop']])
  })

  it('HC-033: refuses several answers', () => {
    expect(errorOf(() => write({ choices: 2 }))).toMatchObject({ status: 400, param: 'n' })
    expect(write({ choices: 1 }).losses).toEqual([])
  })

  it('writes a schema for the answer with closed objects; any JSON is a loss and changes nothing', () => {
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

  it('declares what has no place', () => {
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

  it('writes who the user is, the tier and the mark for the whole', () => {
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

describe('reasoning, written', () => {
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
  ])('HC-052: %j is asked for as %s, and another is told', (reasoning, effort, losses) => {
    expect(think(reasoning, adaptive)).toEqual({ thinking: { type: 'adaptive' }, effort, losses })
  })

  it('HC-052: none is none where the model can, else as little as it can, and said so', () => {
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

  it('asks for a summary, or for none', () => {
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
  ])('a budget for %j under a cap of %d is %d', (reasoning, maxOutputTokens, budget_tokens) => {
    expect(think(reasoning, budget, { maxOutputTokens }).thinking).toEqual({ type: 'enabled', budget_tokens })
  })

  const FORCED = { tools: [tool('f')], toolChoice: { type: 'required' } }
  const LOST = { turns: [user, turn('assistant', call('c1')), turn('user', result('c1', '1'))] }
  it.each([
    ['when a tool is forced', FORCED],
    ['HC-045: when the thought before the last call is missing', LOST],
    ['when the answer has begun', { turns: [user, turn('assistant', text('a'))] }],
    ['when the cap leaves no room', { maxOutputTokens: 1024 }],
  ])('leaves a budget out %s, and says so', (_when, more) => {
    expect(think({ effort: 'medium' }, budget, more)).toEqual({
      thinking: undefined,
      effort: undefined,
      losses: ['reasoning_effort'],
    })
  })

  it('HC-045: thinks on when the thought is there, and adaptively in any case', () => {
    const thought: Block = { type: 'reasoning', text: 'hm', signature: { protocol: 'anthropic-messages', value: 's' } }
    const turns = [user, turn('assistant', thought, call('c1')), turn('user', result('c1', '1'))]
    expect(think({ effort: 'medium' }, budget, { turns }).thinking.type).toBe('enabled')
    expect(think({ effort: 'medium' }, adaptive, LOST).thinking.type).toBe('adaptive')
  })

  it('does not tell a thinking model how to sample', () => {
    const { json, losses } = write({ reasoning: { budget: 2000 }, temperature: 0.2, topK: 1 }, budget as object)
    expect([json.temperature, json.top_k, losses]).toEqual([undefined, undefined, ['temperature', 'top_k']])
  })

  it('speaks to a place that takes all in the words of the caller', () => {
    expect(think({ budget: 2000 }, {}).thinking).toEqual({ type: 'enabled', budget_tokens: 2000 })
    expect(think({ effort: 'high' }, {})).toMatchObject({ thinking: { type: 'adaptive' }, effort: 'high' })
  })
})

describe('a request, there and back', () => {
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
  ])('is the same: %s', (_name, fields) => {
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

  it('is the same with every kind of block', () => {
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

describe('Anthropic, the provider', () => {
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
  ])('knows what %s takes', (model, expected) => {
    expect(anthropic.dialect?.(model)).toMatchObject(expected)
  })

  it('signs with its own header', () => {
    expect(anthropic.sign('k')).toEqual(['x-api-key', 'k'])
  })
})
