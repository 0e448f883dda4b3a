import { describe, expect, it } from 'vitest'
import type { ChatAnswer } from '../../src/chat/answer.js'
import { AnswerCollector } from '../../src/chat/collect-answer.js'
import type { ChatEvent } from '../../src/chat/events.js'
import { replayAsEvents } from '../../src/chat/replay-answer.js'
import { SerialBlocks } from '../../src/chat/serial-blocks.js'
import { joinSurrogates } from '../../src/chat/surrogates.js'
import { seeded } from '../random.js'

const answer: ChatAnswer = {
  id: 'a1',
  model: 'm',
  choices: [
    {
      blocks: [
        { type: 'reasoning', text: 'hm', signature: { protocol: 'p', value: 's' } },
        {
          type: 'text',
          text: 'see',
          citations: [{ url: 'https://x.example', start: 0, end: 3 }],
          signature: undefined,
        },
        { type: 'tool-call', id: 'c1', name: 'f', input: '{"a":1}', signature: undefined },
        { type: 'media', kind: 'image', mime: 'image/png', source: { type: 'bytes', data: 'AAAA' } },
        { type: 'refusal', text: 'no' },
      ],
      finish: { reason: 'tool-calls' },
    },
    {
      blocks: [{ type: 'text', text: 'other', citations: undefined, signature: undefined }],
      finish: { reason: 'stop' },
    },
  ],
  usage: { input: 5, cachedInput: 1, cacheWriteInput: 0, output: 3, reasoning: 1 },
  upstreamError: undefined,
}

function eventsOf(whole: ChatAnswer): ChatEvent[] {
  const events: ChatEvent[] = []
  replayAsEvents(whole, (event) => events.push(event))
  return events
}

function folded(events: readonly ChatEvent[]): ChatAnswer {
  const fold = new AnswerCollector()
  for (const event of events) fold.push(event)
  return fold.answer
}

describe('streams and whole answers', () => {
  it('collectAnswer reverses replayAsEvents', () => {
    expect(folded(eventsOf(answer))).toEqual(answer)
  })

  it('HC-054: collects interleaved blocks separately', () => {
    const events: ChatEvent[] = [
      { type: 'block', index: 0, choice: 0, block: { type: 'tool-call', id: 'a', name: 'f', input: '' } },
      { type: 'block', index: 1, choice: 0, block: { type: 'tool-call', id: 'b', name: 'f', input: '' } },
      { type: 'delta', index: 0, text: '{"a"' },
      { type: 'delta', index: 1, text: '{"b"' },
      { type: 'delta', index: 0, text: ':1}' },
      { type: 'delta', index: 1, text: ':2}' },
      { type: 'stop', index: 0 },
      { type: 'stop', index: 1 },
      { type: 'finish', choice: 0, finish: { reason: 'tool-calls' } },
    ]
    expect(folded(events).choices[0]?.blocks).toMatchObject([{ input: '{"a":1}' }, { input: '{"b":2}' }])
    const serial: ChatEvent[] = []
    const through = new SerialBlocks((event) => serial.push(event))
    for (const event of events) through.push(event)
    expect(serial.map((event) => ('index' in event ? event.index : event.type)).join()).toBe('0,0,0,0,1,1,1,1,finish')
    expect(folded(serial)).toEqual(folded(events))
  })

  it('puts interleaved blocks in sequence, and loses nothing', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const events = interleaved(seed)
      const serial: ChatEvent[] = []
      const through = new SerialBlocks((event) => serial.push(event))
      for (const event of events) through.push(event)
      let open: number | undefined
      for (const event of serial) {
        if (event.type === 'block') {
          expect(open).toBeUndefined()
          open = event.index
        } else if ('index' in event) expect(event.index).toBe(open)
        if (event.type === 'stop') open = undefined
      }
      expect(open).toBeUndefined()
      expect(folded(serial)).toEqual(folded(events))
    }
  })

  function interleaved(seed: number): ChatEvent[] {
    const next = seeded(seed)
    const events: ChatEvent[] = []
    const open: number[] = []
    let opened = 0
    for (let step = 0; step < 40; step++) {
      const choice = next()
      if (choice < 0.3 || open.length === 0) {
        events.push({ type: 'block', index: opened, choice: 0, block: { type: 'text', text: '' } })
        open.push(opened++)
      } else if (choice < 0.8) {
        events.push({ type: 'delta', index: open[Math.floor(next() * open.length)] as number, text: `${step} ` })
      } else events.push({ type: 'stop', index: open.splice(Math.floor(next() * open.length), 1)[0] as number })
    }
    for (const index of open) events.push({ type: 'stop', index })
    events.push({ type: 'finish', choice: 0, finish: { reason: 'stop' } })
    return events
  }

  it('HC-120: joins a surrogate pair split between two deltas', () => {
    const emoji = '😀'
    const seen: ChatEvent[] = []
    const emit = joinSurrogates((event) => seen.push(event))
    emit({ type: 'block', index: 0, choice: 0, block: { type: 'text', text: '' } })
    emit({ type: 'delta', index: 0, text: `a${emoji[0]}` })
    emit({ type: 'delta', index: 0, text: `${emoji[1]}b` })
    emit({ type: 'delta', index: 0, text: emoji[0] as string })
    emit({ type: 'stop', index: 0 })
    const texts = seen.flatMap((event) => (event.type === 'delta' ? [event.text] : []))
    expect(texts).toEqual(['a', `${emoji}b`, emoji[0]])
    expect(seen.at(-1)).toEqual({ type: 'stop', index: 0 })
  })

  it('HC-120: keeps halves of surrogate pairs in interleaved blocks', () => {
    const emoji = '😀'
    const texts = ['', '']
    const emit = joinSurrogates((event) => {
      if (event.type === 'delta') texts[event.index] += event.text
    })
    for (const half of emoji) for (const index of [0, 1]) emit({ type: 'delta', index, text: half })
    for (const half of emoji.split('')) for (const index of [0, 1]) emit({ type: 'delta', index, text: half })
    expect(texts).toEqual([emoji + emoji, emoji + emoji])
  })
})
