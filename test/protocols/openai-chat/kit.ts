import type { ChatAnswer } from '../../../src/chat/answer.js'
import { AnswerCollector } from '../../../src/chat/collect-answer.js'
import type { ChatEvent } from '../../../src/chat/events.js'
import { Losses, recordForeignFields } from '../../../src/chat/losses.js'
import type { ChatRequest } from '../../../src/chat/request.js'
import { readRecords } from '../../../src/lib/sse.js'
import type { Dialect } from '../../../src/protocols/dialect.js'
import { openaiChat } from '../../../src/protocols/openai-chat/index.js'
import type { AnswerContext, Protocol } from '../../../src/protocols/protocol.js'

export const path = { id: '', stream: undefined, query: '' }
export const emptyRequest: ChatRequest = { stream: false, turns: [], tools: [], stop: [] }

export const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

/** A request with these messages, read. */
export function readMessages(...messages: unknown[]): ChatRequest {
  return openaiChat.readRequest(bytes({ model: 'm', messages }), path)
}

export function readFields(fields: object): ChatRequest {
  return openaiChat.readRequest(bytes({ model: 'm', messages: [{ role: 'user', content: 'q' }], ...fields }), path)
}

/** A request as it is written for an upstream, and what was lost. */
export function write(
  request: Partial<ChatRequest>,
  dialect: Dialect = {},
  stream = false,
): { body: Record<string, unknown>; losses: string[] } {
  const losses = new Losses('openai-chat', openaiChat.settingNames)
  const writing = { model: 'up', stream, issuer: 'here', dialect, losses }
  const turns = [{ role: 'user' as const, blocks: [{ type: 'text' as const, text: 'q' }] }]
  const asked = { ...emptyRequest, turns, ...request }
  recordForeignFields(asked, losses)
  const body = JSON.parse(openaiChat.writeRequest(asked, writing))
  return { body, losses: losses.list.map((loss) => loss.path) }
}

export function answering(request: Partial<ChatRequest> = {}): AnswerContext {
  return {
    id: 'id1',
    model: 'asked',
    createdAt: 1_700_000_000,
    issuer: 'here',
    request: { ...emptyRequest, ...request },
    losses: new Losses('openai-chat'),
  }
}

/** The chunks of a stream that these events become. */
export function chunks(text: string): Record<string, unknown>[] {
  return readRecords(Buffer.from(text)).flatMap(({ data }) => (data === '[DONE]' ? [] : [JSON.parse(data)]))
}

export function stream(
  events: readonly ChatEvent[],
  to: AnswerContext = answering(),
  protocol: Protocol = openaiChat,
): string {
  const writer = protocol.writeStream(to)
  return events.map((event) => writer.write(event)).join('') + writer.end()
}

/** The events of a stream, held to the contract of streams. */
export function readStream(text: string, protocol: Protocol = openaiChat): ChatEvent[] {
  const events: ChatEvent[] = []
  const reader = protocol.readStream({ id: 'r1' })
  for (const record of readRecords(Buffer.from(text))) reader.read(record, (event) => events.push(event))
  checkContract(events)
  return events
}

export function records(...values: unknown[]): string {
  return values.map((value) => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`).join('')
}

export function delta(value: unknown, more: object = {}): object {
  return { id: 'c1', model: 'real', choices: [{ index: 0, delta: value, ...more }] }
}

export function fold(events: readonly ChatEvent[]): ChatAnswer {
  const folded = new AnswerCollector()
  for (const event of events) folded.push(event)
  return folded.answer
}

/** Throws for events that break the contract of `src/chat/events.ts`. */
export function checkContract(events: readonly ChatEvent[]): void {
  const open = new Map<number, number>()
  const finished = new Set<number>()
  let next = 0
  for (const [at, event] of events.entries()) {
    const broken = (what: string): Error => new Error(`${what}: ${JSON.stringify(events.slice(0, at + 1))}`)
    if ((event.type === 'start') !== (at === 0)) throw broken('start')
    if (event.type === 'error' && at !== events.length - 1) throw broken('error')
    if (event.type === 'block') {
      if (event.index !== next++ || finished.has(event.choice)) throw broken('block')
      open.set(event.index, event.choice)
    }
    if ((event.type === 'delta' || event.type === 'mark') && !open.has(event.index)) throw broken('closed')
    if (event.type === 'stop' && !open.delete(event.index)) throw broken('stop')
    if (event.type !== 'finish') continue
    if (finished.has(event.choice) || [...open.values()].includes(event.choice)) throw broken('finish')
    finished.add(event.choice)
  }
}
