import type { ChatAnswer } from '../../../src/chat/answer.js'
import { AnswerCollector } from '../../../src/chat/collect-answer.js'
import type { ChatEvent } from '../../../src/chat/events.js'
import { Losses, recordForeignFields } from '../../../src/chat/losses.js'
import type { ChatRequest, Turn } from '../../../src/chat/request.js'
import { RelayError } from '../../../src/errors.js'
import { readRecords } from '../../../src/lib/sse.js'
import { anthropicMessages as protocol } from '../../../src/protocols/anthropic-messages/index.js'
import type { Dialect } from '../../../src/protocols/dialect.js'
import { openaiChat } from '../../../src/protocols/openai-chat/index.js'
import type { AnswerContext, StreamReader } from '../../../src/protocols/protocol.js'

export const ISSUER = 'anthropic#opus'
const NOWHERE = { id: '', stream: undefined, query: '' }

export const body = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** A request of the language, read; with what every one must have. */
export function read(fields: object): ChatRequest {
  const needed = { model: 'm', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] }
  return protocol.readRequest(body({ ...needed, ...fields }), NOWHERE)
}

/** The error of something that must fail. */
export function errorOf(act: () => unknown): RelayError {
  try {
    act()
  } catch (error) {
    if (error instanceof RelayError) return error
    throw error
  }
  throw new Error('it did not fail')
}

/** A neutral request, with what every one must have. */
export function ask(fields: Partial<ChatRequest>): ChatRequest {
  const turns: Turn[] = [{ role: 'user', blocks: [{ type: 'text', text: 'hi' }], at: 'messages[0]' }]
  return { stream: false, turns, tools: [], stop: [], ...fields }
}

type Json = ReturnType<typeof JSON.parse>
interface Written {
  readonly json: Record<string, Json>
  readonly losses: readonly string[]
}

/** A neutral request, written; and the paths of what was lost. */
export function write(fields: Partial<ChatRequest>, dialect: Dialect = {}): Written {
  const losses = new Losses(protocol.id, openaiChat.settingNames)
  const writing = { model: 'claude', stream: fields.stream ?? false, issuer: ISSUER, dialect, losses }
  const asked = ask(fields)
  recordForeignFields(asked, losses)
  const json = JSON.parse(protocol.writeRequest(asked, writing)) as Record<string, Json>
  return { json, losses: losses.list.map(({ path }) => path) }
}

export function answering(fields: Partial<AnswerContext> = {}): AnswerContext {
  const common = { id: 'abc', model: 'asked-for', createdAt: 1, issuer: ISSUER, request: ask({}) }
  return { ...common, losses: new Losses(protocol.id), ...fields }
}

/** All that a stream says, and what became of the reader. */
export function hear(text: string): { events: ChatEvent[]; answer: ChatAnswer; state: StreamReader['state'] } {
  const reader = protocol.readStream({ id: 'abc' })
  const events: ChatEvent[] = []
  const fold = new AnswerCollector()
  for (const record of readRecords(Buffer.from(text))) {
    reader.read(record, (event) => {
      events.push(event)
      fold.push(event)
    })
  }
  return { events, answer: fold.answer, state: reader.state }
}

/** Records of a stream, as the wire has them. */
export function wire(...records: { readonly type: string; readonly [field: string]: unknown }[]): string {
  return records.map((record) => `event: ${record.type}\ndata: ${JSON.stringify(record)}\n\n`).join('')
}

/** Events, written; with what belongs at the end. */
export function tell(events: readonly ChatEvent[], how: AnswerContext = answering()): string {
  const writer = protocol.writeStream(how)
  return events.map((event) => writer.write(event)).join('') + writer.end()
}

/** The data of a written stream's records. */
export function dataOf(text: string): Record<string, Json>[] {
  return readRecords(Buffer.from(text)).map(({ data }) => JSON.parse(data) as Record<string, Json>)
}
