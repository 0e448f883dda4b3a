import type { ChatAnswer } from '../../../src/chat/answer.js'
import { AnswerCollector } from '../../../src/chat/collect-answer.js'
import type { ChatEvent } from '../../../src/chat/events.js'
import { Losses, recordForeignFields } from '../../../src/chat/losses.js'
import type { ChatRequest } from '../../../src/chat/request.js'
import { readRecords } from '../../../src/lib/sse.js'
import type { Dialect } from '../../../src/protocols/dialect.js'
import { openaiChat } from '../../../src/protocols/openai-chat/index.js'
import type { AnswerContext, Protocol } from '../../../src/protocols/protocol.js'

export const noPath = { id: '', stream: undefined, query: '' }
export const emptyRequest: ChatRequest = { stream: false, turns: [], tools: [], stop: [] }

export const toBytes = (value: unknown): Buffer =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

/** Reads a request with these messages. */
export function readMessages(...messages: unknown[]): ChatRequest {
  return openaiChat.readRequest(toBytes({ model: 'm', messages }), noPath)
}

export function readFields(fields: object): ChatRequest {
  return openaiChat.readRequest(toBytes({ model: 'm', messages: [{ role: 'user', content: 'q' }], ...fields }), noPath)
}

/** Writes a request for an upstream. `losses`: the paths of the losses. */
export function write(
  request: Partial<ChatRequest>,
  dialect: Dialect = {},
  stream = false,
): { body: Record<string, unknown>; losses: string[] } {
  const losses = new Losses('openai-chat', openaiChat.settingNames)
  const options = { model: 'up', stream, issuer: 'here', dialect, losses }
  const turns = [{ role: 'user' as const, blocks: [{ type: 'text' as const, text: 'q' }] }]
  const fullRequest = { ...emptyRequest, turns, ...request }
  recordForeignFields(fullRequest, losses)
  const body = JSON.parse(openaiChat.writeRequest(fullRequest, options))
  return { body, losses: losses.list.map((loss) => loss.path) }
}

export function answerContext(request: Partial<ChatRequest> = {}): AnswerContext {
  return {
    id: 'id1',
    model: 'asked',
    createdAt: 1_700_000_000,
    issuer: 'here',
    request: { ...emptyRequest, ...request },
    losses: new Losses('openai-chat'),
  }
}

/** The chunks of a written stream. */
export function parseChunks(text: string): Record<string, unknown>[] {
  return readRecords(Buffer.from(text)).flatMap(({ data }) => (data === '[DONE]' ? [] : [JSON.parse(data)]))
}

export function writeStream(
  events: readonly ChatEvent[],
  context: AnswerContext = answerContext(),
  protocol: Protocol = openaiChat,
): string {
  const writer = protocol.writeStream(context)
  return events.map((event) => writer.write(event)).join('') + writer.end()
}

/** Reads a stream, and checks the order of its events. */
export function readStream(text: string, protocol: Protocol = openaiChat): ChatEvent[] {
  const events: ChatEvent[] = []
  const reader = protocol.readStream({ id: 'r1' })
  for (const record of readRecords(Buffer.from(text))) reader.read(record, (event) => events.push(event))
  checkEventOrder(events)
  return events
}

export function sseRecords(...values: unknown[]): string {
  return values.map((value) => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`).join('')
}

export function delta(value: unknown, more: object = {}): object {
  return { id: 'c1', model: 'real', choices: [{ index: 0, delta: value, ...more }] }
}

export function collectAnswer(events: readonly ChatEvent[]): ChatAnswer {
  const collector = new AnswerCollector()
  for (const event of events) collector.push(event)
  return collector.answer
}

/** @throws for events in an order that `src/chat/events.ts` does not allow */
export function checkEventOrder(events: readonly ChatEvent[]): void {
  const open = new Map<number, number>()
  const finished = new Set<number>()
  let next = 0
  for (const [at, event] of events.entries()) {
    const violation = (what: string): Error => new Error(`${what}: ${JSON.stringify(events.slice(0, at + 1))}`)
    if ((event.type === 'start') !== (at === 0)) throw violation('start')
    if (event.type === 'error' && at !== events.length - 1) throw violation('error')
    if (event.type === 'block') {
      if (event.index !== next++ || finished.has(event.choice)) throw violation('block')
      open.set(event.index, event.choice)
    }
    if ((event.type === 'delta' || event.type === 'mark') && !open.has(event.index)) throw violation('closed')
    if (event.type === 'stop' && !open.delete(event.index)) throw violation('stop')
    if (event.type !== 'finish') continue
    if (finished.has(event.choice) || [...open.values()].includes(event.choice)) throw violation('finish')
    finished.add(event.choice)
  }
}
