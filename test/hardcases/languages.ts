import { isObject } from '../../src/lib/values.js'

/** The languages that a provider may speak. */
export const languages = ['chat', 'responses', 'messages', 'gemini'] as const
export type Language = (typeof languages)[number]

/** A value far within another; undefined if it is not there. A negative number counts from the end. */
export function dig(value: unknown, ...keys: readonly (string | number)[]): unknown {
  let found = value
  for (const key of keys) {
    if (Array.isArray(found)) found = found.at(Number(key))
    else found = isObject(found) ? found[key] : undefined
  }
  return found
}

/** How a language is asked, and how its smallest answers look. */
export interface Speech {
  path(model: string, stream: boolean): string
  /** A body that asks `words`. */
  ask(model: string, stream: boolean, words?: string): object
  whole(words: string): object
  /** The records of a stream, as text. */
  streamed(...words: string[]): string
  /** All text of a whole answer. */
  wordsOf(answer: unknown): string
  /** All text in the records of a stream. */
  wordsIn(records: readonly unknown[]): string
  /** What only a stream that went well ends with. */
  readonly end: RegExp
}

export const data = (value: unknown): string => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`

/** A record with its `event:` line. */
export function named(value: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${value.type}\n${data(value)}`
}

/** A chunk of a chat completion. */
export function chunk(delta: object | null, finish: string | null = null, more: object = {}): string {
  const choices = [{ index: 0, delta, finish_reason: finish }]
  return data({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices, ...more })
}

const texts = (values: readonly unknown[]): string =>
  values.map((value) => (typeof value === 'string' ? value : '')).join('')
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

const chat: Speech = {
  path: () => '/v1/chat/completions',
  ask: (model, stream, words = 'hi') => ({ model, stream, messages: [{ role: 'user', content: words }] }),
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
      data({ id: 'chatcmpl-1', choices: [], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } }),
      data('[DONE]'),
    ].join(''),
  wordsOf: (answer) => texts([dig(answer, 'choices', 0, 'message', 'content')]),
  wordsIn: (records) => texts(records.map((record) => dig(record, 'choices', 0, 'delta', 'content'))),
  end: /data: \[DONE\]/,
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

const responses: Speech = {
  path: () => '/v1/responses',
  ask: (model, stream, words = 'hi') => ({ model, stream, input: words }),
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
      .map((record, sequence_number) => named({ ...record, sequence_number }))
      .join('')
  },
  wordsOf: (answer) =>
    texts(
      listOf(dig(answer, 'output')).flatMap((item) => listOf(dig(item, 'content')).map((part) => dig(part, 'text'))),
    ),
  wordsIn: (records) =>
    texts(records.map((record) => (dig(record, 'type') === 'response.output_text.delta' ? dig(record, 'delta') : ''))),
  end: /event: response\.completed/,
}

const messages: Speech = {
  path: () => '/v1/messages',
  ask: (model, stream, words = 'hi') => ({
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
      .map(named)
      .join(''),
  wordsOf: (answer) => texts(listOf(dig(answer, 'content')).map((block) => dig(block, 'text'))),
  wordsIn: (records) => texts(records.map((record) => dig(record, 'delta', 'text'))),
  end: /event: message_stop/,
}

/** What a streamed message begins with. */
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

const gemini: Speech = {
  path: (model, stream) =>
    stream ? `/v1beta/models/${model}:streamGenerateContent?alt=sse` : `/v1beta/models/${model}:generateContent`,
  ask: (_model, _stream, text = 'hi') => ({ contents: [{ role: 'user', parts: [{ text }] }] }),
  whole: (text) => fragment([{ text }], 'STOP', { usageMetadata, modelVersion: 'm', responseId: 'r1' }),
  streamed: (...words) =>
    [
      ...words.map((text) => data(fragment([{ text }]))),
      data(fragment([{ text: '' }], 'STOP', { usageMetadata, modelVersion: 'm' })),
    ].join(''),
  wordsOf: (answer) => texts(listOf(dig(answer, 'candidates', 0, 'content', 'parts')).map((part) => dig(part, 'text'))),
  wordsIn: (records) => texts(records.map((record) => gemini.wordsOf(record))),
  end: /"finishReason":"STOP"/,
}

export const speeches: Readonly<Record<Language, Speech>> = { chat, responses, messages, gemini }
