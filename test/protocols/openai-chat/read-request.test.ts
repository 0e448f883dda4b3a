import { describe, expect, it } from 'vitest'
import { wrapSignature } from '../../../src/chat/signatures.js'
import { RelayError } from '../../../src/errors.js'
import { openaiChat } from '../../../src/protocols/openai-chat/index.js'
import { noPath, readFields, readMessages, toBytes } from './chat-fixtures.js'

const call = (id: string, more: object = {}): object => ({
  id,
  type: 'function',
  function: { name: 'w', arguments: '{"c": 1.0}' },
  ...more,
})

function errorOf(read: () => unknown): { status: number; param: string | null; message: string } {
  try {
    read()
  } catch (error) {
    if (error instanceof RelayError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('messages', () => {
  it('HC-001: joins consecutive tool messages into one turn', () => {
    const { turns } = readMessages(
      { role: 'developer', content: 'be brief' },
      { role: 'user', content: 'w?', name: 'ann' },
      { role: 'assistant', content: null, tool_calls: [call('c1'), call('c2')], refusal: null, annotations: [] },
      { role: 'tool', tool_call_id: 'c2', content: '2' },
      { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: '1' }] },
      { role: 'user', content: 'and now?' },
    )
    expect(turns.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user', 'user'])
    expect(turns[1]).toMatchObject({ name: 'ann', at: 'messages[1]' })
    expect(turns[2]?.blocks).toMatchObject([
      { type: 'tool-call', id: 'c1', name: 'w', input: '{"c": 1.0}', at: 'messages[2].tool_calls[0]' },
      { id: 'c2' },
    ])
    expect(turns[3]?.blocks).toMatchObject([
      { type: 'tool-result', callId: 'c2', at: 'messages[3]', blocks: [{ type: 'text', text: '2' }] },
      { type: 'tool-result', callId: 'c1', blocks: [{ text: '1', at: 'messages[4].content[0]' }] },
    ])
  })

  it('matches function_call and function messages by name', () => {
    const { turns, tools, toolChoice } = openaiChat.readRequest(
      toBytes({
        messages: [
          { role: 'user', content: 'q' },
          { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
          { role: 'function', name: 'f', content: '1' },
        ],
        functions: [{ name: 'f', parameters: { type: 'object' } }],
        function_call: { name: 'f' },
      }),
      noPath,
    )
    expect(turns[1]?.blocks[0]).toMatchObject({ type: 'tool-call', name: 'f', id: 'call_1' })
    expect(turns[2]?.blocks[0]).toMatchObject({ type: 'tool-result', name: 'f', callId: 'call_1' })
    expect(tools).toMatchObject([{ type: 'function', name: 'f', at: 'functions[0]' }])
    expect(toolChoice).toEqual({ type: 'tool', name: 'f' })
  })

  it('reads content parts of every type', () => {
    const { turns } = readMessages({
      role: 'user',
      content: [
        { type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } },
        { type: 'image_url', image_url: { url: 'data:image/jpg;base64,/9j/4AAQ', detail: 'low' } },
        { type: 'image_url', image_url: 'https://x/y.png' },
        { type: 'input_audio', input_audio: { data: 'AAAA', format: 'mp3' } },
        { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERi0', filename: 'a.pdf' } },
        { type: 'file', file: { file_id: 'file-1' } },
        { type: 'video_url', video_url: { url: 'https://x/v.mp4' }, fps: 2 },
      ],
    })
    expect(turns[0]?.blocks).toMatchObject([
      { type: 'text', text: 'a', cache: { ttl: '1h' } },
      { kind: 'image', mime: 'image/jpg', source: { type: 'bytes', data: '/9j/4AAQ' }, detail: 'low' },
      { kind: 'image', source: { type: 'url', url: 'https://x/y.png' } },
      { kind: 'audio', mime: 'audio/mpeg', source: { type: 'bytes', data: 'AAAA' } },
      { kind: 'file', mime: 'application/pdf', name: 'a.pdf', source: { type: 'bytes', data: 'JVBERi0' } },
      { kind: 'file', source: { type: 'id', id: 'file-1', protocol: 'openai-chat' } },
      { kind: 'video', native: { fields: { fps: 2 } }, at: 'messages[0].content[6]' },
    ])
  })

  it('HC-041: reads Google’s signature of a call, with or without the relay’s wrapper', () => {
    const wrapped = wrapSignature({ protocol: 'gemini', value: 'c2ln' }, 'g/1')
    const signatureField = (value: string): object => ({ extra_content: { google: { thought_signature: value } } })
    const { turns } = readMessages(
      { role: 'user', content: 'q' },
      {
        role: 'assistant',
        content: 'x',
        ...signatureField(wrapped),
        tool_calls: [call('a', signatureField('U0lH')), call('b', signatureField(wrapped)), call('c')],
      },
    )
    expect(turns[1]?.blocks).toMatchObject([
      { type: 'text', signature: { protocol: 'gemini', value: 'c2ln', issuer: 'g/1' } },
      { signature: { protocol: 'gemini', value: 'U0lH' } },
      { signature: { protocol: 'gemini', value: 'c2ln', issuer: 'g/1' } },
      { signature: undefined },
    ])
  })

  it('reads reasoning_details before reasoning_content, keeps issuers of signatures, and joins pieces of a detail', () => {
    const wrap = (value: string): string => wrapSignature({ protocol: 'anthropic-messages', value }, 'a/1')
    const { turns } = readMessages(
      { role: 'user', content: 'q' },
      {
        role: 'assistant',
        content: 'x',
        reasoning_content: 'onetwothree',
        reasoning_details: [
          { type: 'reasoning.text', text: 'o', index: 0 },
          { type: 'reasoning.text', text: 'ne', signature: wrap('s1'), index: 0 },
          { type: 'reasoning.encrypted', data: wrap('s2'), index: 1 },
          { type: 'reasoning.text', text: 'two', signature: 'bare', index: 2, format: 'f' },
        ],
      },
    )
    expect(turns[1]?.blocks).toMatchObject([
      { type: 'reasoning', text: 'one', signature: { protocol: 'anthropic-messages', value: 's1', issuer: 'a/1' } },
      { type: 'reasoning', text: '', signature: { value: 's2' } },
      { type: 'reasoning', text: 'two', signature: { protocol: 'openai-chat' } },
      { type: 'reasoning', text: 'three' },
      { type: 'text', text: 'x' },
    ])
  })

  it("reads Mistral's thinking, OpenRouter's images, a refusal, and audio by its id", () => {
    const { turns } = readMessages(
      { role: 'user', content: 'q' },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
          { type: 'text', text: 'a' },
        ],
        refusal: 'no',
        audio: { id: 'a1' },
        images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } }],
        partial: true,
      },
    )
    expect(turns[1]?.blocks).toMatchObject([
      { type: 'reasoning', text: 'hm' },
      { type: 'text', text: 'a' },
      { type: 'refusal', text: 'no' },
      { type: 'foreign', kind: 'audio', value: { id: 'a1' } },
      { type: 'media', kind: 'image' },
    ])
    expect(turns[1]?.native).toEqual({ protocol: 'openai-chat', fields: { partial: true } })
  })

  it.each<[string, unknown, string]>([
    ['HC-032: no parts', { role: 'user', content: [] }, 'messages[0].content'],
    ['HC-032: null', { role: 'user', content: null }, 'messages[0].content'],
    ['HC-032: a number', { role: 'user', content: 7 }, 'messages[0].content'],
    ['HC-032: text without text', { role: 'user', content: [{ type: 'text' }] }, 'messages[0].content[0].text'],
    [
      'HC-032: a part of another protocol',
      { role: 'user', content: [{ type: 'input_text', text: 'x' }] },
      'messages[0].content[0].type',
    ],
    ['a part that is not an object', { role: 'user', content: ['x'] }, 'messages[0].content[0]'],
    ['a part named like a method', { role: 'user', content: [{ type: 'constructor' }] }, 'messages[0].content[0].type'],
    [
      'an image in a system message',
      { role: 'system', content: [{ type: 'image_url', image_url: 'x' }] },
      'messages[0].content[0].type',
    ],
    [
      'an image without URL',
      { role: 'user', content: [{ type: 'image_url', image_url: {} }] },
      'messages[0].content[0].image_url.url',
    ],
    ['a message that is not an object', 'hello', 'messages[0]'],
    ['an unknown role', { role: 'speaker', content: 'x' }, 'messages[0].role'],
    ['an assistant message without content', { role: 'assistant' }, 'messages[0].content'],
    [
      'a call without id',
      { role: 'assistant', tool_calls: [{ function: { name: 'f' } }] },
      'messages[0].tool_calls[0].id',
    ],
    [
      'a call without a function',
      { role: 'assistant', tool_calls: [{ id: 'a', type: 'function' }] },
      'messages[0].tool_calls[0].function',
    ],
    ['a result without a call id', { role: 'tool', content: 'x' }, 'messages[0].tool_call_id'],
  ])('refuses %s, and names its path', (_name, message, param) => {
    expect(errorOf(() => readMessages(message))).toMatchObject({ status: 400, param })
  })

  it('accepts an empty answer in the history', () => {
    const { turns } = readMessages({ role: 'assistant', content: '', refusal: null }, { role: 'user', content: 'q' })
    expect(turns[0]?.blocks).toEqual([])
  })
})

describe('fields', () => {
  it('reads every field with a neutral equivalent', () => {
    const request = readFields({
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 9,
      temperature: 0.5,
      top_p: 1,
      top_k: 4,
      seed: 3,
      stop: 'x',
      n: 2,
      logprobs: true,
      top_logprobs: 2,
      response_format: { type: 'json_schema', json_schema: { name: 's', schema: { a: 1 }, strict: true } },
      verbosity: 'low',
      reasoning_effort: 'minimal',
      user: 'u',
      metadata: { a: 'b' },
      service_tier: 'flex',
      prompt_cache_key: 'k',
      parallel_tool_calls: false,
      modalities: ['text', 'image'],
    })
    expect(request).toMatchObject({
      stream: true,
      wantsUsage: true,
      maxOutputTokens: 9,
      temperature: 0.5,
      topP: 1,
      topK: 4,
      seed: 3,
      stop: ['x'],
      choices: 2,
      logprobs: 2,
      format: { type: 'schema', name: 's', schema: { a: 1 }, strict: true },
      verbosity: 'low',
      reasoning: { effort: 'minimal' },
      userId: 'u',
      metadata: { a: 'b' },
      serviceTier: 'flex',
      cacheKey: 'k',
      parallelToolCalls: false,
      modalities: ['text', 'image'],
    })
    expect(request.native).toBeUndefined()
  })

  it('keeps unknown fields, and drops fields with their default value', () => {
    const request = readFields({
      n: 1,
      store: false,
      logit_bias: {},
      frequency_penalty: 0,
      logprobs: false,
      seed: null,
    })
    expect(request).toMatchObject({ choices: undefined, frequencyPenalty: undefined, logprobs: undefined })
    expect(request.native).toBeUndefined()
    expect(readFields({ prediction: { a: 1 }, repetition_penalty: 1.1 }).native).toEqual({
      protocol: 'openai-chat',
      fields: { prediction: { a: 1 }, repetition_penalty: 1.1 },
    })
  })

  it('HC-142: reads a field named __proto__ as a field', () => {
    const body = Buffer.from('{"messages":[{"role":"user","content":"q"}],"__proto__":{"x":1}}')
    const { native } = openaiChat.readRequest(body, noPath)
    expect(Object.keys(native?.fields ?? {})).toEqual(['__proto__'])
    expect(({} as { x?: number }).x).toBeUndefined()
  })

  it.each<[object, object | undefined]>([
    [{ reasoning: { effort: 'high', exclude: true } }, { effort: 'high', visible: false }],
    [{ reasoning: { max_tokens: 2000 } }, { budget: 2000 }],
    [{ reasoning: { enabled: false } }, { effort: 'none' }],
    [{ thinking: { type: 'disabled' } }, { effort: 'none' }],
    [{ thinking: { type: 'enabled', budget_tokens: 5 } }, { budget: 5 }],
    [{ enable_thinking: false }, { effort: 'none' }],
    [{ enable_thinking: true, thinking_budget: 7 }, { budget: 7 }],
    [{ enable_thinking: true }, undefined],
  ])('reads the reasoning settings of %j', (fields, expected) => {
    const { reasoning } = readFields(fields)
    if (expected) expect(reasoning).toMatchObject(expected)
    else expect(reasoning).toBeUndefined()
  })

  it('reads tools of every type', () => {
    const { tools, toolChoice } = readFields({
      tools: [
        { type: 'function', function: { name: 'f', parameters: { type: 'object' }, strict: true }, cache_control: {} },
        {
          type: 'custom',
          custom: { name: 'p', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'x' } } },
        },
        { type: 'builtin_function', function: { name: '$web_search' } },
      ],
      web_search_options: { search_context_size: 'low' },
      tool_choice: {
        type: 'allowed_tools',
        allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'f' } }] },
      },
    })
    expect(tools).toMatchObject([
      { type: 'function', name: 'f', strict: true, cache: {}, at: 'tools[0]' },
      { type: 'freeform', name: 'p', format: { type: 'grammar', syntax: 'lark', definition: 'x' } },
      { type: 'foreign', kind: 'builtin_function' },
      { type: 'web-search', native: { fields: { search_context_size: 'low' } } },
    ])
    expect(toolChoice).toEqual({ type: 'allowed', mode: 'auto', names: ['f'] })
  })

  it.each<[object, string]>([
    [{ reasoning_effort: 'huge' }, 'reasoning_effort'],
    [{ seed: 2 ** 53 }, 'seed'],
    [{ temperature: 'hot' }, 'temperature'],
    [{ stop: [1] }, 'stop[0]'],
    [{ n: 0 }, 'n'],
    [{ tools: [{ type: 'retrieval' }] }, 'tools[0].type'],
    [{ tools: [{ type: 'function' }] }, 'tools[0].function'],
    [{ tool_choice: 'always' }, 'tool_choice'],
    [{ tool_choice: { type: 'function', function: {} } }, 'tool_choice.function.name'],
    [{ response_format: { type: 'xml' } }, 'response_format.type'],
    [{ metadata: { a: 1 } }, 'metadata.a'],
    [{ messages: [] }, 'messages'],
    [{ messages: 'hi' }, 'messages'],
  ])('refuses %j, and names its path', (fields, param) => {
    expect(errorOf(() => readFields(fields))).toMatchObject({ status: 400, param })
  })

  it.each(['', '[]', '"x"', '{', 'null'])('refuses the body %j', (body) => {
    expect(errorOf(() => openaiChat.readRequest(Buffer.from(body), noPath)).status).toBe(400)
  })
})
