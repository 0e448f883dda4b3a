import type { ChatAnswer } from '../../src/chat/answer.js'
import { AnswerCollector } from '../../src/chat/collect-answer.js'
import type { ChatEvent } from '../../src/chat/events.js'
import { Losses } from '../../src/chat/losses.js'
import { joinSurrogates } from '../../src/chat/surrogates.js'
import { readRecords, wholeRecords } from '../../src/lib/sse.js'
import { protocolOf } from '../../src/protocols/index.js'
import type { AnswerContext } from '../../src/protocols/protocol.js'
import type { ConversationProtocol } from './protocol-setups.js'

function answerContext(protocolId: ConversationProtocol): AnswerContext {
  const request = { stream: true, turns: [], tools: [], stop: [], wantsUsage: true }
  return { id: 'w1', model: 'm', createdAt: 1, issuer: 'tag', request, losses: new Losses(protocolId) }
}

/** Writes events as a stream, with surrogate pairs joined, as the relay does. */
export function writeStream(events: readonly ChatEvent[], protocolId: ConversationProtocol): Buffer {
  const writer = protocolOf(protocolId).writeStream(answerContext(protocolId))
  let text = ''
  const emit = joinSurrogates((event) => {
    text += writer.write(event)
  })
  for (const event of events) emit(event)
  return Buffer.from(text + writer.end())
}

export interface ReadStream {
  readonly events: readonly ChatEvent[]
  readonly state: 'open' | 'complete' | 'over'
}

/** Reads a stream that arrives in these pieces. */
export function readStream(pieces: readonly Buffer[], protocolId: ConversationProtocol): ReadStream {
  const reader = protocolOf(protocolId).readStream({ id: 'h1' })
  const events: ChatEvent[] = []
  let rest = Buffer.alloc(0)
  for (const piece of pieces) {
    const received = Buffer.concat([rest, piece])
    const end = wholeRecords(received)
    rest = received.subarray(end)
    for (const record of readRecords(received.subarray(0, end))) reader.read(record, (event) => events.push(event))
  }
  return { events, state: reader.state }
}

export function collectAnswer(events: readonly ChatEvent[]): ChatAnswer {
  const collector = new AnswerCollector()
  for (const event of events) collector.push(event)
  return collector.answer
}

/** Splits bytes at these positions. */
export function splitAt(bytes: Buffer, positions: readonly number[]): Buffer[] {
  const ends = [...positions].sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end))
}
