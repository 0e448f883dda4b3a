import { describe, expect, it } from 'vitest'
import { wrapSignature } from '../../../src/chat/signatures.js'
import { anthropicMessages as protocol } from '../../../src/protocols/anthropic-messages/index.js'
import { readCountRequest } from '../../../src/protocols/anthropic-messages/request/read-request.js'
import { errorOf, jsonBytes, read } from './messages-fixtures.js'

const blocksOf = (content: unknown, role = 'user') => read({ messages: [{ role, content }] }).turns[0]?.blocks

describe('reading a Messages request', () => {
  it('reads the model, its position, and the stream flag', () => {
    const bytes = Buffer.from('{"model": "claude-ö", "stream":true, "messages":[{}]}')
    const facts = protocol.readFacts(bytes, { id: '', stream: undefined, query: '' })
    expect(facts).toMatchObject({ model: 'claude-ö', stream: true })
    expect(bytes.subarray(facts.modelSpan?.start, facts.modelSpan?.end).toString()).toBe('"claude-ö"')
  })

  it.each([
    ['', undefined, 'empty'],
    ['{', undefined, 'not valid JSON'],
    ['[]', undefined, 'expected an object'],
    ['{"messages":[{}]}', 'model', 'Missing'],
    ['{"model":"","messages":[{}]}', 'model', 'must not be empty'],
    ['{"model":"m","messages":"x"}', 'messages', 'expected an array'],
    ['{"model":"m","messages":[]}', 'messages', 'must not be empty'],
    ['{"model":"m"}', 'messages', 'Missing'],
    ['{"model":"m","messages":[1],"stream":"yes"}', 'stream', 'expected a boolean'],
    ['{"model":"m","model":"n","messages":[1]}', 'model', 'ambiguous'],
    [`{"model":"m","messages":${'['.repeat(600)}${']'.repeat(600)}}`, undefined, 'nested too deeply'],
  ])('refuses %s with param %s', (text, param, words) => {
    const error = errorOf(() => protocol.readFacts(Buffer.from(text), { id: '', stream: undefined, query: '' }))
    expect(error).toMatchObject({ status: 400, param: param ?? null })
    expect(error.message).toContain(words)
  })

  it('keeps system text in order, in any position', () => {
    const { turns } = read({
      system: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } }],
      messages: [
        { role: 'user', content: 'b' },
        { role: 'system', content: 'c' },
      ],
    })
    expect(turns.map(({ role, at }) => [role, at])).toEqual([
      ['system', 'system'],
      ['user', 'messages[0]'],
      ['system', 'messages[1]'],
    ])
    expect(turns[0]?.blocks[0]).toEqual({ type: 'text', text: 'a', at: 'system[0]', cache: { ttl: '1h' } })
  })

  it('reads images and documents from every source', () => {
    const source = (type: string, source: object, more = {}) => ({ type, source, ...more })
    const blocks = blocksOf([
      source('image', { type: 'base64', media_type: 'image/png', data: 'AAAA' }),
      source('image', { type: 'url', url: 'https://x/y.png' }),
      source('image', { type: 'file', file_id: 'file_1' }),
      source('document', { type: 'text', media_type: 'text/plain', data: 'words' }, { title: 'T', context: 'C' }),
      source('document', {
        type: 'content',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      }),
      source('document', { type: 'content', content: [{ type: 'image' }] }),
    ])
    expect(blocks).toMatchObject([
      { type: 'media', kind: 'image', mime: 'image/png', source: { type: 'bytes', data: 'AAAA' } },
      { kind: 'image', source: { type: 'url', url: 'https://x/y.png' } },
      { kind: 'image', source: { type: 'id', id: 'file_1', protocol: 'anthropic-messages' } },
      { kind: 'file', name: 'T', source: { type: 'text', text: 'words' }, native: { fields: { context: 'C' } } },
      { kind: 'file', source: { type: 'text', text: 'a\n\nb' } },
      { type: 'foreign', kind: 'document' },
    ])
  })

  it('reads calls, results and thinking', () => {
    const { turns } = read({
      messages: [
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm', signature: 'sig' },
            { type: 'redacted_thinking', data: 'blob' },
            { type: 'tool_use', id: 't1', name: 'f', input: { a: 1 }, caller: { type: 'direct' } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 't1', is_error: true, content: [{ type: 'text', text: 'no' }] },
            { type: 'tool_result', tool_use_id: 't2', content: 'yes' },
            { type: 'tool_result', tool_use_id: 't3' },
          ],
        },
      ],
    })
    expect(turns[0]?.blocks).toMatchObject([
      { type: 'reasoning', text: 'hm', signature: { protocol: 'anthropic-messages', value: 'sig' } },
      { type: 'reasoning', text: '', signature: { value: 'blob', id: 'redacted_thinking' } },
      { type: 'tool-call', id: 't1', name: 'f', input: '{"a":1}', native: undefined, at: 'messages[0].content[2]' },
    ])
    expect(turns[1]?.blocks).toMatchObject([
      { callId: 't1', failed: true, blocks: [{ text: 'no' }] },
      { callId: 't2', failed: undefined, blocks: [{ text: 'yes' }] },
      { callId: 't3', blocks: [] },
    ])
  })

  it('unwraps wrapped signatures, and drops placeholders', () => {
    const kept = { protocol: 'gemini', value: 'v', issuer: 'g#1', id: undefined }
    const blocks = blocksOf(
      [
        { type: 'thinking', thinking: 'a', signature: wrapSignature(kept, 'g#1') },
        { type: 'thinking', thinking: 'b', signature: wrapSignature({ protocol: 'none', value: '' }, 'x') },
        {
          type: 'redacted_thinking',
          data: wrapSignature({ protocol: 'anthropic-messages', value: 'd', id: 'redacted_thinking' }, 'x'),
        },
      ],
      'assistant',
    )
    expect(blocks?.map((block) => 'signature' in block && block.signature)).toEqual([
      kept,
      undefined,
      { protocol: 'anthropic-messages', value: 'd', issuer: 'x', id: 'redacted_thinking' },
    ])
  })

  it('HC-040: keeps its own blocks as foreign, and refuses unknown ones with their path', () => {
    for (const type of ['server_tool_use', 'web_search_tool_result', 'search_result', 'compaction', 'fallback']) {
      expect(blocksOf([{ type, x: 1 }])?.[0]).toMatchObject({ type: 'foreign', kind: type, value: { type, x: 1 } })
    }
    const error = errorOf(() => blocksOf([{ type: 'text', text: 'a' }, { type: 'input_video' }]))
    expect(error.message).toBe('messages[0].content[1].type: unknown "input_video"')
    expect(error).toMatchObject({ status: 400, param: 'messages[0].content[1].type' })
  })

  it('reads functions, web search and tools that only Anthropic has', () => {
    const { tools } = read({
      tools: [
        { name: 'f', description: 'd', input_schema: { type: 'object' }, strict: true, defer_loading: true },
        { type: 'custom', name: 'g', input_schema: {} },
        { type: 'web_search_20260318', name: 'web_search', max_uses: 2 },
        { type: 'bash_20250124', name: 'bash' },
      ],
    })
    expect(tools).toMatchObject([
      { type: 'function', name: 'f', strict: true, at: 'tools[0]', native: { fields: { defer_loading: true } } },
      { type: 'function', name: 'g', schema: {} },
      { type: 'web-search', at: 'tools[2]', native: { fields: { max_uses: 2 } } },
      { type: 'foreign', kind: 'bash_20250124', at: 'tools[3]' },
    ])
    expect(errorOf(() => read({ tools: [{ type: 'magic' }] })).message).toBe('tools[0].type: unknown "magic"')
  })

  it.each([
    [
      { type: 'any', disable_parallel_tool_use: true },
      { toolChoice: { type: 'required' }, parallelToolCalls: false },
    ],
    [{ type: 'tool', name: 'f' }, { toolChoice: { type: 'tool', name: 'f' } }],
    [{ type: 'none' }, { toolChoice: { type: 'none' } }],
    [null, {}],
  ])('reads tool_choice %j', (tool_choice, expected) => {
    expect(read({ tool_choice })).toMatchObject(expected)
  })

  it.each([
    [{ thinking: { type: 'enabled', budget_tokens: 2000 } }, { budget: 2000 }],
    [{ thinking: { type: 'adaptive', display: 'omitted' } }, { budget: -1, visible: false }],
    [{ thinking: { type: 'adaptive' }, output_config: { effort: 'xhigh' } }, { effort: 'xhigh' }],
    [{ thinking: { type: 'disabled' }, output_config: { effort: 'low' } }, { effort: 'none' }],
    [{ output_config: { effort: 'max' } }, { effort: 'max' }],
    [{}, undefined],
  ])('reads the reasoning of %j', (fields, expected) => {
    expect(read(fields).reasoning).toEqual(expected)
  })

  it('HC-010: keeps a max_tokens of 0', () => {
    expect(read({ max_tokens: 0 }).maxOutputTokens).toBe(0)
  })

  it('requires max_tokens, except to count tokens', () => {
    expect(errorOf(() => read({ max_tokens: null }))).toMatchObject({ param: 'max_tokens', status: 400 })
    const counted = readCountRequest(jsonBytes({ model: 'm', messages: [{ role: 'user', content: 'x' }] }))
    expect(counted.maxOutputTokens).toBeUndefined()
  })

  it('keeps fields without a neutral equivalent as native fields, except null', () => {
    const { native, userId, metadata } = read({
      inference_geo: 'eu',
      container: null,
      metadata: { user_id: 'u', more: 1 },
      output_config: { effort: 'low', task_budget: 5 },
    })
    expect(native?.fields).toEqual({ inference_geo: 'eu', metadata: { more: 1 }, output_config: { task_budget: 5 } })
    expect([userId, metadata]).toEqual(['u', undefined])
    expect(read({}).native).toBeUndefined()
  })

  it('reads the other fields', () => {
    const format = { type: 'json_schema', schema: { type: 'object' } }
    expect(
      read({
        temperature: 0.5,
        top_p: 0.9,
        top_k: 3,
        stop_sequences: ['x'],
        service_tier: 'standard_only',
        output_format: format,
      }),
    ).toMatchObject({
      temperature: 0.5,
      topP: 0.9,
      topK: 3,
      stop: ['x'],
      serviceTier: 'default',
      format: { type: 'schema', schema: { type: 'object' } },
    })
  })

  it.each([
    [{ messages: [{ role: 'robot', content: '' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'user' }] }, 'messages[0].content'],
    [{ messages: [7] }, 'messages[0]'],
    [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
    [{ messages: [{ role: 'user', content: [null] }] }, 'messages[0].content[0]'],
    [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages[0].content[0].text'],
    [{ messages: [{ role: 'user', content: [{ type: 'image' }] }] }, 'messages[0].content[0].source'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'x' } }] }] },
      'messages[0].content[0].source.type',
    ],
    [{ messages: [{ role: 'user', content: [{ type: 'tool_use', id: 'a', name: 'b' }] }] }, 'messages[0].content[0]'],
    [{ messages: [{ role: 'assistant', content: [{ type: 'tool_use', name: 'b' }] }] }, 'messages[0].content[0].id'],
    [
      { messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'b', input: '{}' }] }] },
      'messages[0].content[0].input',
    ],
    [{ messages: [{ role: 'user', content: [{ type: 'tool_result' }] }] }, 'messages[0].content[0].tool_use_id'],
    [{ system: 5 }, 'system'],
    [{ system: [{ type: 'image', source: { type: 'url', url: 'x' } }] }, 'system[0].type'],
    [{ tools: {} }, 'tools'],
    [{ tools: [{ name: 'f' }] }, 'tools[0].input_schema'],
    [{ tool_choice: { type: 'tool' } }, 'tool_choice.name'],
    [{ tool_choice: 'auto' }, 'tool_choice'],
    [{ max_tokens: -1 }, 'max_tokens'],
    [{ max_tokens: 1.5 }, 'max_tokens'],
    [{ top_k: 2 ** 60 }, 'top_k'],
    [{ thinking: { type: 'enabled' } }, 'thinking.budget_tokens'],
    [{ thinking: { type: 'deep' } }, 'thinking.type'],
    [{ output_config: { effort: 'huge' } }, 'output_config.effort'],
    [{ output_config: 1 }, 'output_config'],
    [{ stop_sequences: [1] }, 'stop_sequences[0]'],
  ])('refuses %j with param %s', (fields, param) => {
    expect(errorOf(() => read(fields))).toMatchObject({ status: 400, param })
  })

  it('HC-142: accepts tools named after properties of Object.prototype', () => {
    const { tools } = read({
      tools: [
        { name: '__proto__', input_schema: {} },
        { name: 'constructor', input_schema: {} },
      ],
    })
    expect(tools.map((tool) => 'name' in tool && tool.name)).toEqual(['__proto__', 'constructor'])
  })
})
