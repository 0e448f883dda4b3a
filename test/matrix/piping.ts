import type { ChatAnswer } from '../../src/chat/answer.js'
import { AnswerCollector } from '../../src/chat/collect-answer.js'
import type { ChatEvent } from '../../src/chat/events.js'
import { Losses } from '../../src/chat/losses.js'
import { joinSurrogates } from '../../src/chat/surrogates.js'
import { readRecords, wholeRecords } from '../../src/lib/sse.js'
import { protocolOf } from '../../src/protocols/index.js'
import type { AnswerContext } from '../../src/protocols/protocol.js'
import type { Language } from './languages.js'

function answering(language: Language): AnswerContext {
  const request = { stream: true, turns: [], tools: [], stop: [], wantsUsage: true }
  return { id: 'w1', model: 'm', createdAt: 1, issuer: 'tag', request, losses: new Losses(language) }
}

/** Events as a stream of a language, by the way that all of them take. */
export function written(events: readonly ChatEvent[], language: Language): Buffer {
  const writer = protocolOf(language).writeStream(answering(language))
  let text = ''
  const emit = joinSurrogates((event) => {
    text += writer.write(event)
  })
  for (const event of events) emit(event)
  return Buffer.from(text + writer.end())
}

export interface Heard {
  readonly events: readonly ChatEvent[]
  readonly state: 'open' | 'complete' | 'over'
}

/** What a language reads from bytes that come in these pieces. */
export function heard(pieces: readonly Buffer[], language: Language): Heard {
  const reader = protocolOf(language).readStream({ id: 'h1' })
  const events: ChatEvent[] = []
  let wrapSignature = Buffer.alloc(0)
  for (const piece of pieces) {
    const come = Buffer.concat([wrapSignature, piece])
    const end = wholeRecords(come)
    wrapSignature = come.subarray(end)
    for (const record of readRecords(come.subarray(0, end))) reader.read(record, (event) => events.push(event))
  }
  return { events, state: reader.state }
}

export function folded(events: readonly ChatEvent[]): ChatAnswer {
  const fold = new AnswerCollector()
  for (const event of events) fold.push(event)
  return fold.answer
}

/** Bytes in as many pieces as there are places, and one. */
export function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places].sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end))
}
