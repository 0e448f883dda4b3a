import { describe, expect, it } from 'vitest'
import type { ChatEvent } from '../src/chat/events.js'
import { anyEvents } from './matrix/chance.js'
import { type Language, languages } from './matrix/languages.js'
import { cutAt, folded, heard, written } from './matrix/piping.js'
import { sayable, told } from './matrix/sayable.js'
import { seeded } from './random.js'

const ROUNDS = 150

/** Whole messages of this language tell what was said in their own order. */
function keepsOrder(...through: readonly Language[]): boolean {
  return !through.includes('openai-chat')
}

/** No event of a block before its beginning or after its end, and none of a choice after its finish. */
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

describe.each(languages)('a stream of %s', (language) => {
  it('HC-056, HC-120: read again, tells what was written, however its blocks were mixed', () => {
    const random = seeded(1)
    for (let round = 0; round < ROUNDS; round++) {
      const events = anyEvents(random)
      const { events: read, state } = heard([written(events, language)], language)
      const ordered = keepsOrder(language)
      expect(told(sayable(folded(read), language), ordered)).toEqual(told(sayable(folded(events), language), ordered))
      expect(state).not.toBe('open')
      expect(isLegal(read), JSON.stringify(read)).toBe(true)
    }
  })

  it('HC-112: reads the same, wherever its bytes are cut in two', () => {
    const random = seeded(2)
    for (let round = 0; round < 2; round++) {
      // Of a long one not all: an uneven step comes by every kind of place.
      const bytes = written(anyEvents(random), language)
      const step = 1 + 2 * Math.floor(bytes.length / 2000)
      const whole = JSON.stringify(heard([bytes], language))
      const wrong = Array.from(bytes.keys()).filter((place) => {
        if (place % step > 0) return false
        return JSON.stringify(heard(cutAt(bytes, [place]), language)) !== whole
      })
      expect(wrong).toEqual([])
    }
  })

  it('HC-112: reads the same in pieces of any size', () => {
    const random = seeded(3)
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = written(anyEvents(random), language)
      const places = Array.from({ length: 1 + Math.floor(random() * 30) }, () => Math.floor(random() * bytes.length))
      expect(heard(cutAt(bytes, places), language)).toEqual(heard([bytes], language))
    }
  })

  it.each(languages.filter((other) => other !== language))('told in %s, tells the same', (other) => {
    const random = seeded(4)
    for (let round = 0; round < ROUNDS; round++) {
      const events = anyEvents(random)
      const first = heard([written(events, language)], language)
      const { events: read, state } = heard([written(first.events, other)], other)
      const meant = sayable(sayable(folded(events), language), other)
      const ordered = keepsOrder(language, other)
      expect(told(sayable(folded(read), other), ordered)).toEqual(told(meant, ordered))
      expect(state).not.toBe('open')
    }
  })
})
