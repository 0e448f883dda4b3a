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
const NO_PATH = { id: '', stream: undefined, query: '' }

export const jsonBytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** Reads a Messages request. Adds the required fields. */
export function read(fields: object): ChatRequest {
  const needed = { model: 'm', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] }
  return protocol.readRequest(jsonBytes({ ...needed, ...fields }), NO_PATH)
}

/** The error that a function throws. @throws if it throws none */
export function errorOf(act: () => unknown): RelayError {
  try {
    act()
  } catch (error) {
    if (error instanceof RelayError) return error
    throw error
  }
  throw new Error('it did not fail')
}

/** A neutral request with these fields and one user turn by default. */
export function requestWith(fields: Partial<ChatRequest>): ChatRequest {
  const turns: Turn[] = [{ role: 'user', blocks: [{ type: 'text', text: 'hi' }], at: 'messages[0]' }]
  return { stream: false, turns, tools: [], stop: [], ...fields }
}

type Json = ReturnType<typeof JSON.parse>
interface Written {
  readonly json: Record<string, Json>
  readonly losses: readonly string[]
}

/** Writes a neutral request. Returns the body, and the paths of the losses. */
export function write(fields: Partial<ChatRequest>, dialect: Dialect = {}): Written {
  const losses = new Losses(protocol.id, openaiChat.settingNames)
  const writing = { model: 'claude', stream: fields.stream ?? false, issuer: ISSUER, dialect, losses }
  const asked = requestWith(fields)
  recordForeignFields(asked, losses)
  const json = JSON.parse(protocol.writeRequest(asked, writing)) as Record<string, Json>
  return { json, losses: losses.list.map(({ path }) => path) }
}

export function answerContext(fields: Partial<AnswerContext> = {}): AnswerContext {
  const common = { id: 'abc', model: 'asked-for', createdAt: 1, issuer: ISSUER, request: requestWith({}) }
  return { ...common, losses: new Losses(protocol.id), ...fields }
}

/** Reads a stream. Returns its events, the collected answer, and the final state of the reader. */
export function readStreamText(text: string): {
  events: ChatEvent[]
  answer: ChatAnswer
  state: StreamReader['state']
} {
  const reader = protocol.readStream({ id: 'abc' })
  const events: ChatEvent[] = []
  const collector = new AnswerCollector()
  for (const record of readRecords(Buffer.from(text))) {
    reader.read(record, (event) => {
      events.push(event)
      collector.push(event)
    })
  }
  return { events, answer: collector.answer, state: reader.state }
}

/** The text of a stream with these records. */
export function streamOf(...records: { readonly type: string; readonly [field: string]: unknown }[]): string {
  return records.map((record) => `event: ${record.type}\ndata: ${JSON.stringify(record)}\n\n`).join('')
}

/** Writes events as a stream, with its end. */
export function writeEvents(events: readonly ChatEvent[], how: AnswerContext = answerContext()): string {
  const writer = protocol.writeStream(how)
  return events.map((event) => writer.write(event)).join('') + writer.end()
}

/** The data of a written stream's records. */
export function recordsOf(text: string): Record<string, Json>[] {
  return readRecords(Buffer.from(text)).map(({ data }) => JSON.parse(data) as Record<string, Json>)
}
