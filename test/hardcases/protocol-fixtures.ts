import { isObject } from '../../src/lib/values.js'

/** Short names of the conversation protocols. */
export const protocolNames = ['chat', 'responses', 'messages', 'gemini'] as const
export type ProtocolName = (typeof protocolNames)[number]

/** A nested value; undefined if it is missing. A negative number counts from the end. */
export function dig(value: unknown, ...keys: readonly (string | number)[]): unknown {
  let found = value
  for (const key of keys) {
    if (Array.isArray(found)) found = found.at(Number(key))
    else found = isObject(found) ? found[key] : undefined
  }
  return found
}

/** The smallest request and answers of a protocol. */
export interface ProtocolFixture {
  path(model: string, stream: boolean): string
  /** A request with `words` as its only message. */
  requestBody(model: string, stream: boolean, words?: string): object
  whole(words: string): object
  /** The records of a stream, as text. */
  streamed(...words: string[]): string
  /** All text of a whole answer. */
  textOfAnswer(answer: unknown): string
  /** All text in the records of a stream. */
  textOfRecords(records: readonly unknown[]): string
  /** Matches the end of a successful stream, and no failed one. */
  readonly endOfStream: RegExp
}

export const dataRecord = (value: unknown): string =>
  `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`

/** A record with its `event:` line. */
export function namedRecord(value: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${value.type}\n${dataRecord(value)}`
}

/** A chunk of a chat completion. */
export function chunk(delta: object | null, finish: string | null = null, more: object = {}): string {
  const choices = [{ index: 0, delta, finish_reason: finish }]
  return dataRecord({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices, ...more })
}

const texts = (values: readonly unknown[]): string =>
  values.map((value) => (typeof value === 'string' ? value : '')).join('')
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

const chat: ProtocolFixture = {
  path: () => '/v1/chat/completions',
  requestBody: (model, stream, words = 'hi') => ({ model, stream, messages: [{ role: 'user', content: words }] }),
  whole: (content) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
  }),
  streamed: (...words) =>
    [
      chunk({ role: 'assistant', content: '' }),
      ...words.map((content) => chunk({ content })),
      chunk({}, 'stop'),
      dataRecord({ id: 'chatcmpl-1', choices: [], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } }),
      dataRecord('[DONE]'),
    ].join(''),
  textOfAnswer: (answer) => texts([dig(answer, 'choices', 0, 'message', 'content')]),
  textOfRecords: (records) => texts(records.map((record) => dig(record, 'choices', 0, 'delta', 'content'))),
  endOfStream: /data: \[DONE\]/,
}

/** A response with one message. */
export function response(words: string, status = 'completed'): object {
  const content = [{ type: 'output_text', text: words, annotations: [], logprobs: [] }]
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    model: 'm',
    status,
    output: status === 'completed' ? [{ id: 'msg_1', type: 'message', role: 'assistant', status, content }] : [],
    usage: status === 'completed' ? { input_tokens: 5, output_tokens: 2, total_tokens: 7 } : null,
  }
}

const responses: ProtocolFixture = {
  path: () => '/v1/responses',
  requestBody: (model, stream, words = 'hi') => ({ model, stream, input: words }),
  whole: (words) => response(words),
  streamed(...words) {
    const all = words.join('')
    const item = { id: 'msg_1', type: 'message', role: 'assistant', status: 'in_progress', content: [] }
    const at = { item_id: 'msg_1', output_index: 0, content_index: 0 }
    const part = { type: 'output_text', annotations: [], logprobs: [] }
    return [
      { type: 'response.created', response: response('', 'in_progress') },
      { type: 'response.output_item.added', output_index: 0, item },
      { type: 'response.content_part.added', ...at, part: { ...part, text: '' } },
      ...words.map((delta) => ({ type: 'response.output_text.delta', ...at, delta, logprobs: [] })),
      { type: 'response.output_text.done', ...at, text: all, logprobs: [] },
      { type: 'response.content_part.done', ...at, part: { ...part, text: all } },
      { type: 'response.output_item.done', output_index: 0, item: dig(response(all), 'output', 0) },
      { type: 'response.completed', response: response(all) },
    ]
      .map((record, sequence_number) => namedRecord({ ...record, sequence_number }))
      .join('')
  },
  textOfAnswer: (answer) =>
    texts(
      listOf(dig(answer, 'output')).flatMap((item) => listOf(dig(item, 'content')).map((part) => dig(part, 'text'))),
    ),
  textOfRecords: (records) =>
    texts(records.map((record) => (dig(record, 'type') === 'response.output_text.delta' ? dig(record, 'delta') : ''))),
  endOfStream: /event: response\.completed/,
}

const messages: ProtocolFixture = {
  path: () => '/v1/messages',
  requestBody: (model, stream, words = 'hi') => ({
    model,
    stream,
    max_tokens: 100,
    messages: [{ role: 'user', content: words }],
  }),
  whole: (text) => ({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 5, output_tokens: 2 },
  }),
  streamed: (...words) =>
    [
      { type: 'message_start', message: messageStart },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      ...words.map((text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 2 } },
      { type: 'message_stop' },
    ]
      .map(namedRecord)
      .join(''),
  textOfAnswer: (answer) => texts(listOf(dig(answer, 'content')).map((block) => dig(block, 'text'))),
  textOfRecords: (records) => texts(records.map((record) => dig(record, 'delta', 'text'))),
  endOfStream: /event: message_stop/,
}

/** The message in the first record of a stream. */
export const messageStart: Readonly<Record<string, unknown>> = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content: [],
  stop_reason: null,
  stop_sequence: null,
  usage: { input_tokens: 5, output_tokens: 1 },
}

/** One candidate, with these parts. */
export function fragment(parts: readonly object[], finishReason?: string, more: object = {}): object {
  return { candidates: [{ index: 0, content: { role: 'model', parts }, finishReason }], ...more }
}

const usageMetadata = { promptTokenCount: 5, candidatesTokenCount: 2, totalTokenCount: 7 }

const gemini: ProtocolFixture = {
  path: (model, stream) =>
    stream ? `/v1beta/models/${model}:streamGenerateContent?alt=sse` : `/v1beta/models/${model}:generateContent`,
  requestBody: (_model, _stream, text = 'hi') => ({ contents: [{ role: 'user', parts: [{ text }] }] }),
  whole: (text) => fragment([{ text }], 'STOP', { usageMetadata, modelVersion: 'm', responseId: 'r1' }),
  streamed: (...words) =>
    [
      ...words.map((text) => dataRecord(fragment([{ text }]))),
      dataRecord(fragment([{ text: '' }], 'STOP', { usageMetadata, modelVersion: 'm' })),
    ].join(''),
  textOfAnswer: (answer) =>
    texts(listOf(dig(answer, 'candidates', 0, 'content', 'parts')).map((part) => dig(part, 'text'))),
  textOfRecords: (records) => texts(records.map((record) => gemini.textOfAnswer(record))),
  endOfStream: /"finishReason":"STOP"/,
}

export const protocolFixtures: Readonly<Record<ProtocolName, ProtocolFixture>> = { chat, responses, messages, gemini }
