import { expect } from 'vitest'
import type { ChatAnswer } from '../../../src/chat/answer.js'
import { AnswerCollector } from '../../../src/chat/collect-answer.js'
import type { ChatEvent } from '../../../src/chat/events.js'
import { type Loss, Losses, recordForeignFields } from '../../../src/chat/losses.js'
import type { ChatRequest } from '../../../src/chat/request.js'
import { RelayError } from '../../../src/errors.js'
import { readRecords } from '../../../src/lib/sse.js'
import type { Dialect } from '../../../src/protocols/dialect.js'
import { openaiChat } from '../../../src/protocols/openai-chat/index.js'
import { openaiResponses } from '../../../src/protocols/openai-responses/index.js'
import type { AnswerContext } from '../../../src/protocols/protocol.js'

export const NO_PATH = { id: '', stream: undefined, query: '' }

export const ASKED: ChatRequest = { stream: false, turns: [], tools: [], stop: [] }

/** Reads a Responses request. Adds the model. */
export function read(body: object): ChatRequest {
  return openaiResponses.readRequest(Buffer.from(JSON.stringify({ model: 'm', ...body })), NO_PATH)
}

export function refusedRequest(body: object): RelayError {
  try {
    read(body)
  } catch (error) {
    if (error instanceof RelayError) return error
    throw error
  }
  return expect.unreachable('the request was accepted')
}

/** Writes a neutral request. Returns the body and the losses. */
export function write(
  request: Partial<ChatRequest>,
  dialect: Dialect = {},
): { body: Record<string, unknown>; losses: readonly Loss[] } {
  const losses = new Losses('openai-responses', openaiChat.settingNames)
  const writing = { model: 'up', stream: request.stream ?? false, issuer: 'here', dialect, losses }
  const asked = { ...ASKED, ...request }
  recordForeignFields(asked, losses)
  const text = openaiResponses.writeRequest(asked, writing)
  return { body: JSON.parse(text) as Record<string, unknown>, losses: losses.list }
}

export function answerContext(request: ChatRequest = ASKED): AnswerContext {
  return {
    id: 'a1',
    model: 'asked',
    createdAt: 7,
    issuer: 'here',
    request,
    losses: new Losses('openai-responses'),
  }
}

export interface Event {
  readonly type: string
  readonly sequence_number: number
  readonly [name: string]: unknown
}

/** The records of a written stream. Checks that the event line equals the type. */
export function eventsOf(text: string): Event[] {
  return readRecords(Buffer.from(text)).map(({ event, data }) => {
    const value = JSON.parse(data) as Event
    expect(event).toBe(value.type)
    return value
  })
}

export function writeEvents(events: readonly ChatEvent[], to: AnswerContext = answerContext()): string {
  const writer = openaiResponses.writeStream(to)
  return events.map((event) => writer.write(event)).join('') + writer.end()
}

/** Reads a stream. Returns its events, and the final state of the reader. */
export function readText(text: string): { events: ChatEvent[]; state: string } {
  const reader = openaiResponses.readStream({ id: 'r1' })
  const events: ChatEvent[] = []
  for (const record of readRecords(Buffer.from(text))) reader.read(record, (event) => events.push(event))
  return { events, state: reader.state }
}

export function collectAnswer(events: readonly ChatEvent[]): ChatAnswer {
  const whole = new AnswerCollector()
  for (const event of events) whole.push(event)
  return whole.answer
}

/** The text of a stream with these records, without event lines. */
export function streamOf(events: readonly object[]): string {
  return events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
}

/** A copy of a value without undefined fields. */
export function withoutUndefined(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
