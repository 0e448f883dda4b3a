import { describe, expect, it } from 'vitest'
import { spliceAll } from '../../src/lib/splice.js'
import type { SseRecord } from '../../src/lib/sse.js'
import { protocolOf } from '../../src/protocols/index.js'
import type { ProtocolId } from '../../src/protocols/protocol.js'

const record = (value: object): SseRecord => ({ event: undefined, data: JSON.stringify(value) })

const chat = (delta: object, finish: string | null = null): object => ({
  choices: [{ index: 0, delta, finish_reason: finish }],
})
const choice = (message: object, finish = 'stop'): object => ({ choices: [{ message, finish_reason: finish }] })
const message = (stop_reason: string): object => ({ type: 'message', content: [], stop_reason })
const candidate = (finishReason: string): object => ({
  candidates: [{ content: { parts: [{ text: 'a' }] }, finishReason }],
})
const refusedItem = { type: 'message', content: [{ type: 'refusal', refusal: 'no' }] }
const answeredItem = { type: 'message', content: [{ type: 'output_text', text: 'yes' }] }
const filteredResponse = { status: 'incomplete', incomplete_details: { reason: 'content_filter' }, output: [] }

describe('whether an answer is a refusal', () => {
  it.each<[ProtocolId, object, boolean]>([
    ['openai-chat', choice({ content: 'a' }), false],
    ['openai-chat', choice({ content: 'a', refusal: null }, 'length'), false],
    ['openai-chat', choice({ content: 'a' }, 'content_filter'), true],
    ['openai-chat', choice({ content: null, refusal: 'no' }), true],
    ['openai-completions', { choices: [{ text: 'a', finish_reason: 'content_filter' }] }, true],
    ['openai-completions', { choices: [{ text: 'a', finish_reason: 'stop' }] }, false],
    ['anthropic-messages', message('end_turn'), false],
    ['anthropic-messages', message('refusal'), true],
    ['openai-responses', { status: 'completed', output: [answeredItem] }, false],
    ['openai-responses', { status: 'completed', output: [answeredItem, refusedItem] }, true],
    ['openai-responses', filteredResponse, true],
    ['openai-responses', { ...filteredResponse, incomplete_details: { reason: 'max_output_tokens' } }, false],
    ['gemini', candidate('STOP'), false],
    ['gemini', candidate('SAFETY'), true],
    ['gemini', candidate('PROHIBITED_CONTENT'), true],
    ['gemini', { promptFeedback: { blockReason: 'SAFETY' } }, true],
  ])('%s, whole: %j', (id, answer, refused) => {
    const facts = protocolOf(id).readAnswerFacts(Buffer.from(JSON.stringify(answer)))
    expect(facts.upstreamError).toBeUndefined()
    expect(facts.refused).toBe(refused)
  })

  it.each<[ProtocolId, object[], boolean]>([
    ['openai-chat', [chat({ content: 'a' }), chat({}, 'stop')], false],
    ['openai-chat', [chat({ content: 'a' }), chat({}, 'content_filter')], true],
    ['openai-chat', [chat({ refusal: 'no' }), chat({}, 'stop')], true],
    ['anthropic-messages', [{ type: 'message_delta', delta: { stop_reason: 'end_turn' } }], false],
    ['anthropic-messages', [{ type: 'message_delta', delta: { stop_reason: 'refusal' } }], true],
    ['openai-responses', [{ type: 'response.completed', response: { output: [answeredItem] } }], false],
    ['openai-responses', [{ type: 'response.completed', response: { output: [refusedItem] } }], true],
    ['openai-responses', [{ type: 'response.incomplete', response: filteredResponse }], true],
    ['openai-responses', [{ type: 'response.refusal.delta', delta: 'n' }], true],
    ['gemini', [candidate('STOP')], false],
    ['gemini', [candidate('SPII')], true],
    ['gemini', [{ promptFeedback: { blockReason: 'OTHER' } }], true],
  ])('%s, streamed: %j', (id, records, refused) => {
    expect(protocolOf(id).readEnding(records.map(record))).toMatchObject({ refused })
  })
})

describe('the output length of a record', () => {
  const call = { index: 0, function: { arguments: '{"a":1}' } }
  it.each<[ProtocolId, object, number]>([
    ['openai-chat', { ...chat({ content: 'abcd' }), obfuscation: 'xxxxxxxx' }, 4],
    ['openai-chat', chat({ role: 'assistant', reasoning_content: 'abc', content: null }), 3],
    ['openai-chat', chat({ tool_calls: [call, call] }), 14],
    ['openai-chat', chat({ function_call: { arguments: '{}' } }), 2],
    ['openai-chat', chat({ refusal: 'no' }), 2],
    [
      'openai-chat',
      chat({
        content: [
          { type: 'text', text: 'ab' },
          { type: 'thinking', thinking: 'c' },
        ],
      }),
      3,
    ],
    ['openai-chat', { choices: [], usage: { prompt_tokens: 1 } }, 0],
    ['openai-completions', { choices: [{ text: 'abcd' }, { index: 1, text: 'e' }] }, 5],
    ['openai-responses', { type: 'response.output_text.delta', delta: 'abcd', obfuscation: 'xxxx' }, 4],
    ['openai-responses', { type: 'response.reasoning_summary_text.delta', delta: 'abcd' }, 4],
    ['openai-responses', { type: 'response.function_call_arguments.delta', delta: '{}' }, 2],
    ['openai-responses', { type: 'response.audio.delta', delta: 'AAAA' }, 0],
    ['openai-responses', { type: 'response.output_text.done', text: 'abcd' }, 0],
    ['anthropic-messages', { type: 'content_block_delta', delta: { type: 'text_delta', text: 'abcd' } }, 4],
    ['anthropic-messages', { type: 'content_block_delta', delta: { type: 'thinking_delta', thinking: 'abc' } }, 3],
    ['anthropic-messages', { type: 'content_block_delta', delta: { type: 'input_json_delta', partial_json: '{' } }, 1],
    ['anthropic-messages', { type: 'content_block_delta', delta: { type: 'signature_delta', signature: 'AAA' } }, 0],
    ['anthropic-messages', { type: 'message_delta', delta: { stop_reason: 'end_turn' } }, 0],
    ['gemini', { candidates: [{ content: { parts: [{ text: 'abc' }, { text: 'd', thought: true }] } }] }, 4],
    ['gemini', { candidates: [{ content: { parts: [{ functionCall: { args: { a: 1 } } }] } }] }, 7],
    ['gemini', { candidates: [{ content: { parts: [{ inlineData: { data: 'AAAA' } }] } }] }, 0],
    ['gemini', { usageMetadata: {} }, 0],
  ])('%s: %j', (id, value, length) => {
    expect(protocolOf(id).readOutputLength(record(value))).toBe(length)
  })

  it.each(['openai-chat', 'openai-completions', 'openai-responses', 'anthropic-messages', 'gemini'] as const)(
    '%s: is 0 for anything but a record',
    (id) => {
      for (const data of ['', '[DONE]', 'nul', '[]', '7', 'null', '{"choices":7,"delta":7,"candidates":[7]}']) {
        expect(protocolOf(id).readOutputLength({ event: undefined, data })).toBe(0)
      }
    },
  )

  it('openai-responses: comes from the last record, which repeats the whole answer, where usage is missing', () => {
    const last = record({ type: 'response.completed', response: { status: 'completed', output: [answeredItem] } })
    expect(protocolOf('openai-responses').readEnding([last])).toMatchObject({ complete: true, outputLength: 3 })
  })

  it.each([
    { error: { type: 'overloaded_error', message: 'Overloaded' } },
    { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
  ])('anthropic-messages: an error ends the stream, with or without a type: %j', (error) => {
    const { readEnding, classifyRecord } = protocolOf('anthropic-messages')
    expect(readEnding([record(error)])).toMatchObject({ complete: false, upstreamError: { status: 529 } })
    expect(classifyRecord(record(error))).toMatchObject({ status: 529 })
  })

  it('anthropic-messages: the usage of the first record is partial', () => {
    const begin = record({ type: 'message_start', message: { usage: { input_tokens: 7, output_tokens: 1 } } })
    const end = record({ type: 'message_delta', delta: {}, usage: { output_tokens: 34 } })
    const { readEnding } = protocolOf('anthropic-messages')
    expect(readEnding([begin])).toMatchObject({ usage: { input: 7, output: 1 }, isPartial: true })
    expect(readEnding([begin, end])).toMatchObject({ usage: { input: 7, output: 34 }, isPartial: false })
  })
})

describe('the edit that makes a stream report its usage', () => {
  const withUsageRequest = (id: ProtocolId, body: string): string => {
    const { usageRequestEdit } = protocolOf(id).readFacts(Buffer.from(body), { id: '', stream: undefined, query: '' })
    return usageRequestEdit ? spliceAll(Buffer.from(body), [usageRequestEdit]).toString() : body
  }
  const rest =
    '"model":"mä","prompt":"x","messages":[{"role":"user","content":"\\"stream_options\\": {}"}],"stream":true'
  const USAGE_REQUEST = '"stream_options":{"include_usage":true}'

  it.each<[string, string]>([
    [`{${rest}}`, `{${USAGE_REQUEST},${rest}}`],
    [` \n{ ${rest} }\n`, ` \n{${USAGE_REQUEST}, ${rest} }\n`],
    [`{${rest},"stream_options":null,"seed":90071992547409931}`, `{${rest},${USAGE_REQUEST},"seed":90071992547409931}`],
    [`{${rest},"stream_options" : {} }`, `{${rest},"stream_options" : {"include_usage":true} }`],
    [`{"stream_options":{"include_usage":false},${rest}}`, `{${USAGE_REQUEST},${rest}}`],
    [
      `{${rest},"x":{"stream_options":{}},"stream_options":{"include_obfuscation":false,"ä":"}"}}`,
      `{${rest},"x":{"stream_options":{}},"stream_options":{"include_obfuscation":false,"ä":"}","include_usage":true}}`,
    ],
    [`{${rest},${USAGE_REQUEST}}`, `{${rest},${USAGE_REQUEST}}`],
    // Duplicate or escaped names are ambiguous, so the body stays as it is.
    [`{${rest},"stream_options":{},"stream_options":{}}`, `{${rest},"stream_options":{},"stream_options":{}}`],
    [`{${rest},"stream\\u005foptions":{}}`, `{${rest},"stream\\u005foptions":{}}`],
    [
      `{"model":"m","prompt":"x","messages":[{"role":"user"}]}`,
      `{"model":"m","prompt":"x","messages":[{"role":"user"}]}`,
    ],
  ])('%s', (body, expected) => {
    for (const id of ['openai-chat', 'openai-completions'] as const) expect(withUsageRequest(id, body)).toBe(expected)
  })

  it('is absent in protocols that report usage anyway', () => {
    expect(withUsageRequest('openai-responses', '{"model":"m","input":"x","stream":true}')).not.toContain(
      'stream_options',
    )
    expect(protocolOf('openai-responses').injectedUsage).toBeUndefined()
    expect(protocolOf('anthropic-messages').injectedUsage).toBeUndefined()
    expect(protocolOf('gemini').injectedUsage).toBeUndefined()
  })

  it('adds one chunk, which the relay removes again', () => {
    const isUsageOnly = protocolOf('openai-chat').injectedUsage?.isUsageOnly ?? (() => true)
    const usage = { prompt_tokens: 1, completion_tokens: 2 }
    expect(isUsageOnly(record({ choices: [], usage }))).toBe(true)
    expect(isUsageOnly(record({ choices: [], usage: null }))).toBe(false)
    expect(isUsageOnly(record({ choices: [], prompt_filter_results: [] }))).toBe(false)
    expect(isUsageOnly(record({ ...chat({}, 'stop'), usage }))).toBe(false)
    expect(isUsageOnly({ event: undefined, data: '[DONE]' })).toBe(false)
  })
})
