import { describe, expect, it } from 'vitest'
import type { ChatAnswer, FinishReason } from '../../../src/chat/answer.js'
import type { Block } from '../../../src/chat/blocks.js'
import type { ChatEvent } from '../../../src/chat/events.js'
import { replayAsEvents } from '../../../src/chat/replay-answer.js'
import { unwrapSignature } from '../../../src/chat/signatures.js'
import { readRecords, wholeRecords } from '../../../src/lib/sse.js'
import { openaiResponses } from '../../../src/protocols/openai-responses/index.js'
import { pick, seeded } from '../../random.js'
import { answerContext, collectAnswer, readText, withoutUndefined, writeEvents } from './responses-fixtures.js'

const WORDS = ['a', 'Hi there', '{"a":1}', '日本です', '😀', '\u2028', '"\\n"', 'x'.repeat(300)]
const ENDS: readonly FinishReason[] = ['stop', 'length', 'filter']

/** A random answer without losses in this protocol. */
function randomAnswer(random: () => number): ChatAnswer {
  const blocks: Block[] = []
  const count = Math.floor(random() * 6)
  for (let at = 0; at < count; at++) blocks.push(randomBlock(random, at))
  const calls = blocks.some(({ type }) => type === 'tool-call')
  const end = pick(random, ENDS)
  const reason = end === 'stop' && calls ? 'tool-calls' : end
  const output = Math.floor(random() * 100)
  const usage = { input: 100, cachedInput: 40, cacheWriteInput: 10, output, reasoning: Math.floor(output / 2) }
  return { id: 'resp_a1', model: 'm', choices: [{ blocks, finish: { reason } }], usage }
}

function randomBlock(random: () => number, at: number): Block {
  const text = pick(random, WORDS) + pick(random, WORDS)
  const kinds: readonly (() => Block)[] = [
    () => ({ type: 'text', text }),
    () => ({ type: 'text', text, native: { protocol: 'openai-responses', fields: { phase: 'commentary' } } }),
    () => ({
      type: 'text',
      text: `${text}!`,
      citations: [{ url: 'https://x', title: 'X', start: 0, end: text.length }],
    }),
    () => ({ type: 'reasoning', text }),
    () => ({
      type: 'reasoning',
      text: random() < 0.5 ? '' : text,
      signature: { protocol: 'openai-responses', value: `s${at}`, id: 'rs_u' },
    }),
    () => ({ type: 'tool-call', id: `c${at}`, name: 'f', input: '{"a":1.0}' }),
    () => ({ type: 'tool-call', id: `c${at}`, name: 'p', namespace: 'n', input: text, freeform: true }),
    () => ({ type: 'media', kind: 'image', mime: 'image/png', source: { type: 'bytes', data: 'AAAA' } }),
  ]
  return pick(random, kinds)()
}

/** The answer with its original signatures in place of the wrapped ones. */
function withUnwrappedSignatures(answer: ChatAnswer): unknown {
  const open = (block: Block): Block => {
    if (block.type !== 'reasoning' || !block.signature) return block
    const { protocol, value, id } = unwrapSignature(block.signature.value) ?? block.signature
    return { ...block, signature: { protocol, value, id } }
  }
  return withoutUndefined({
    ...answer,
    choices: answer.choices.map((choice) => ({ ...choice, blocks: choice.blocks.map(open) })),
  })
}

function eventsOf(answer: ChatAnswer): ChatEvent[] {
  const events: ChatEvent[] = []
  replayAsEvents(answer, (event) => events.push(event))
  return events
}

describe('round trips', () => {
  it('reads a written stream as the same answer', () => {
    const random = seeded(60)
    for (let round = 0; round < 300; round++) {
      const answer = randomAnswer(random)
      const { events, state } = readText(writeEvents(eventsOf(answer)))
      expect(withUnwrappedSignatures(collectAnswer(events))).toEqual(withoutUndefined(answer))
      expect(state).toBe('over')
    }
  })

  it('reads a written whole answer as the same answer as its stream', () => {
    const random = seeded(61)
    for (let round = 0; round < 100; round++) {
      const answer = randomAnswer(random)
      const body = Buffer.from(openaiResponses.writeAnswer(answer, answerContext()))
      expect(withUnwrappedSignatures(openaiResponses.readAnswer(body, { id: 'r1' }))).toEqual(withoutUndefined(answer))
      const last = writeEvents(eventsOf(answer)).split('\n\n').at(-2)?.split('data: ')[1] ?? ''
      expect((JSON.parse(last) as { response: unknown }).response).toEqual(JSON.parse(body.toString()))
    }
  })

  it('HC-112: reads the same events wherever the bytes are split', () => {
    const random = seeded(62)
    const answer = {
      ...randomAnswer(random),
      choices: [{ blocks: [randomBlock(random, 0), randomBlock(random, 1)], finish: { reason: 'length' as const } }],
    }
    const bytes = Buffer.from(writeEvents(eventsOf(answer)))
    const whole = readText(bytes.toString()).events
    for (let cut = 1; cut < bytes.length; cut++) {
      const reader = openaiResponses.readStream({ id: 'r1' })
      const events: ChatEvent[] = []
      let rest = Buffer.alloc(0)
      for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
        const received = Buffer.concat([rest, piece])
        const end = wholeRecords(received)
        rest = received.subarray(end)
        for (const record of readRecords(received.subarray(0, end))) reader.read(record, (event) => events.push(event))
      }
      expect(events).toEqual(whole)
    }
  })
})
