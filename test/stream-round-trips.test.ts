import { describe, expect, it } from 'vitest'
import type { ChatEvent } from '../src/chat/events.js'
import { contentOf, expressibleIn } from './matrix/expressible.js'
import { type ConversationProtocol, conversationProtocols } from './matrix/protocol-setups.js'
import { randomEvents } from './matrix/random-events.js'
import { collectAnswer, readStream, splitAt, writeStream } from './matrix/streams.js'
import { seeded } from './random.js'

const ROUNDS = 150

/** Chat Completions has a fixed order of content, so its answers do not keep the order of blocks. */
function keepsOrder(...through: readonly ConversationProtocol[]): boolean {
  return !through.includes('openai-chat')
}

/** Whether no event of a block comes before its start or after its end, and none of a choice after its finish. */
function isLegal(events: readonly ChatEvent[]): boolean {
  const open = new Map<number, number>()
  const finished = new Set<number>()
  let next = 0
  for (const event of events) {
    if (event.type === 'block') {
      if (event.index !== next++ || finished.has(event.choice)) return false
      open.set(event.index, event.choice)
    } else if (event.type === 'finish') {
      if ([...open.values()].includes(event.choice)) return false
      finished.add(event.choice)
    } else if ('index' in event) {
      if (!open.has(event.index)) return false
      if (event.type === 'stop') open.delete(event.index)
    }
  }
  return open.size === 0
}

describe.each(conversationProtocols)('a stream of %s', (protocolId) => {
  it('HC-056, HC-120: has the same content after reading, however its blocks were interleaved', () => {
    const random = seeded(1)
    for (let round = 0; round < ROUNDS; round++) {
      const events = randomEvents(random)
      const { events: read, state } = readStream([writeStream(events, protocolId)], protocolId)
      const ordered = keepsOrder(protocolId)
      expect(contentOf(expressibleIn(collectAnswer(read), protocolId), ordered)).toEqual(
        contentOf(expressibleIn(collectAnswer(events), protocolId), ordered),
      )
      expect(state).not.toBe('open')
      expect(isLegal(read), JSON.stringify(read)).toBe(true)
    }
  })

  it('HC-112: reads the same, wherever its bytes are split in two', () => {
    const random = seeded(2)
    for (let round = 0; round < 2; round++) {
      // Not every position of a long stream: an odd step still meets every kind of position.
      const bytes = writeStream(randomEvents(random), protocolId)
      const step = 1 + 2 * Math.floor(bytes.length / 2000)
      const whole = JSON.stringify(readStream([bytes], protocolId))
      const wrong = Array.from(bytes.keys()).filter((position) => {
        if (position % step > 0) return false
        return JSON.stringify(readStream(splitAt(bytes, [position]), protocolId)) !== whole
      })
      expect(wrong).toEqual([])
    }
  })

  it('HC-112: reads the same in pieces of any size', () => {
    const random = seeded(3)
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = writeStream(randomEvents(random), protocolId)
      const positions = Array.from({ length: 1 + Math.floor(random() * 30) }, () => Math.floor(random() * bytes.length))
      expect(readStream(splitAt(bytes, positions), protocolId)).toEqual(readStream([bytes], protocolId))
    }
  })

  it.each(conversationProtocols.filter((other) => other !== protocolId))(
    'has the same content after translation to %s',
    (other) => {
      const random = seeded(4)
      for (let round = 0; round < ROUNDS; round++) {
        const events = randomEvents(random)
        const first = readStream([writeStream(events, protocolId)], protocolId)
        const { events: read, state } = readStream([writeStream(first.events, other)], other)
        const expected = expressibleIn(expressibleIn(collectAnswer(events), protocolId), other)
        const ordered = keepsOrder(protocolId, other)
        expect(contentOf(expressibleIn(collectAnswer(read), other), ordered)).toEqual(contentOf(expected, ordered))
        expect(state).not.toBe('open')
      }
    },
  )
})
