import type { ChatAnswer } from '../../../src/chat/answer.js'
import { AnswerCollector } from '../../../src/chat/collect-answer.js'
import type { ChatEvent } from '../../../src/chat/events.js'
import { Losses } from '../../../src/chat/losses.js'
import type { ChatRequest } from '../../../src/chat/request.js'
import { readRecords } from '../../../src/lib/sse.js'
import type { Dialect } from '../../../src/protocols/dialect.js'
import { gemini } from '../../../src/protocols/gemini/index.js'
import type { AnswerContext, StreamReader, WriteOptions } from '../../../src/protocols/protocol.js'

interface Content {
  readonly role: string
  readonly parts: readonly { readonly functionCall?: object; readonly thoughtSignature?: string }[]
}

/** A request or an answer, parsed. */
export interface Json {
  readonly [name: string]: unknown
  readonly contents: readonly Content[]
  readonly candidates: readonly { readonly content: Content; readonly groundingMetadata?: object }[]
  readonly generationConfig: Record<string, unknown>
}

export const issuer = 'g#gemini-3'

export function writing(dialect: Dialect = {}, losses: Losses = new Losses('gemini')): WriteOptions {
  return { model: 'gemini-3', stream: false, issuer: issuer, dialect, losses }
}

export function answering(losses: Losses = new Losses('gemini')): AnswerContext {
  return { id: 'abc', model: 'asked', createdAt: 1, issuer: 'a#claude', request: asking(), losses }
}

export function asking(request: Partial<ChatRequest> = {}): ChatRequest {
  return { stream: false, turns: [], tools: [], stop: [], ...request }
}

export const path = { id: 'gemini-3', stream: false, query: '' }

export function read(body: unknown): ChatRequest {
  return gemini.readRequest(Buffer.from(JSON.stringify(body)), path)
}

/** What Gemini is sent, parsed. */
export function written(request: Partial<ChatRequest>, dialect: Dialect = {}, losses?: Losses): Json {
  return JSON.parse(gemini.writeRequest(asking(request), writing(dialect, losses))) as Json
}

/** A stream's events, read record by record. */
export function eventsOf(stream: string): { events: ChatEvent[]; reader: StreamReader } {
  const events: ChatEvent[] = []
  const reader = gemini.readStream({ id: 'abc' })
  for (const record of readRecords(Buffer.from(stream))) reader.read(record, (event) => events.push(event))
  return { events, reader }
}

export function streamOf(...fragments: readonly unknown[]): string {
  return fragments.map((fragment) => `data: ${JSON.stringify(fragment)}\r\n\r\n`).join('')
}

/** A fragment of one candidate. */
export function fragment(parts: readonly unknown[], more: object = {}, outside: object = {}): object {
  return { candidates: [{ content: { parts, role: 'model' }, ...more }], ...outside }
}

export function folded(events: readonly ChatEvent[]): ChatAnswer {
  const fold = new AnswerCollector()
  for (const event of events) fold.push(event)
  return fold.answer
}

/** An answer with no fields that say nothing. */
export function plain<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value
}

export function writeAll(events: readonly ChatEvent[], losses?: Losses): string {
  const writer = gemini.writeStream(answering(losses))
  return events.map((event) => writer.write(event)).join('') + writer.end()
}
