import type { ChatAnswer, Choice, FinishReason } from '../../src/chat/answer.js'
import type { Block } from '../../src/chat/blocks.js'
import type { ChatEvent } from '../../src/chat/events.js'
import { pick } from '../random.js'

type Random = () => number

const TEXTS = [
  'a',
  ' and then ',
  '日本です',
  '😀',
  '\u2028',
  '"\\n"\n',
  '{"a":1}',
  'data: x\n\n',
  '👩‍👩‍👧',
  'long '.repeat(40),
]
const FINISH_REASONS: readonly FinishReason[] = ['stop', 'stop', 'length', 'filter']
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** A random answer as the events of its stream. Several blocks may be open at once, with interleaved deltas. */
export function randomEvents(random: Random): ChatEvent[] {
  const count = random() < 0.2 ? 2 : 1
  const choices = Array.from({ length: count }, (_, choice) => randomChoice(random, choice))
  const output = 1 + Math.floor(random() * 90)
  const usage = { input: 100, cachedInput: 40, cacheWriteInput: 7, output, reasoning: Math.floor(output / 2) }
  return interleave(eventsOf({ id: 'x1', model: 'the-model', choices, usage }, random), random)
}

function randomChoice(random: Random, choice: number): Choice {
  const blocks = Array.from({ length: Math.floor(random() * 6) }, (_, at) => randomBlock(random, `${choice}_${at}`))
  const end = pick(random, FINISH_REASONS)
  const hasCalls = blocks.some(({ type }) => type === 'tool-call')
  return { blocks, finish: { reason: end === 'stop' && hasCalls ? 'tool-calls' : end } }
}

function randomBlock(random: Random, name: string): Block {
  const text = pick(random, TEXTS) + pick(random, TEXTS)
  const signature = { protocol: 'gemini', value: `signature of ${name}` }
  const kinds: readonly (() => Block)[] = [
    () => ({ type: 'text', text }),
    () => ({ type: 'text', text }),
    () => ({ type: 'reasoning', text }),
    () => ({ type: 'reasoning', text, signature }),
    () => ({ type: 'tool-call', id: `call_${name}`, name: 'look', input: JSON.stringify({ what: text }) }),
    () => ({ type: 'tool-call', id: `call_${name}`, name: 'look', input: '{"n":1}', signature }),
    () => ({ type: 'media', kind: 'image', mime: 'image/png', source: { type: 'bytes', data: PNG } }),
  ]
  return pick(random, kinds)()
}

function eventsOf({ id, model, choices, usage }: ChatAnswer, random: Random): ChatEvent[] {
  const events: ChatEvent[] = [{ type: 'start', id, model }]
  let index = 0
  for (const [choice, { blocks }] of choices.entries()) {
    for (const block of blocks) events.push(...blockEvents(block, index++, choice, random))
  }
  for (const [choice, { finish }] of choices.entries()) events.push({ type: 'finish', choice, finish })
  if (usage) events.push({ type: 'usage', usage })
  return events
}

function blockEvents(block: Block, index: number, choice: number, random: Random): ChatEvent[] {
  if (block.type === 'media') {
    return [
      { type: 'block', index, choice, block },
      { type: 'stop', index },
    ]
  }
  const { signature, ...bare } = block as Extract<Block, { type: 'text' | 'reasoning' | 'tool-call' }>
  const isCall = bare.type === 'tool-call'
  const text = isCall ? bare.input : bare.text
  const opening = (isCall ? { ...bare, input: '' } : { ...bare, text: '' }) as Block
  return [
    { type: 'block', index, choice, block: opening },
    ...splitText(text, random).map((piece): ChatEvent => ({ type: 'delta', index, text: piece })),
    ...(signature ? [{ type: 'mark', index, signature } as const] : []),
    { type: 'stop', index },
  ]
}

/** Splits a text anywhere, also within a surrogate pair. */
function splitText(text: string, random: Random): string[] {
  const cut = 1 + Math.floor(random() * (text.length - 1))
  const halves = [text.slice(0, cut), text.slice(cut)].filter(Boolean)
  return random() < 0.6 || text.length > 40 ? halves : [...text]
}

/** Interleaves events of different blocks. Keeps the order within each block, and the order of their starts. */
function interleave(events: readonly ChatEvent[], random: Random): ChatEvent[] {
  const all = [...events]
  const swaps = random() < 0.3 ? 0 : 60
  for (let swap = 0; swap < swaps; swap++) {
    const at = Math.floor(random() * (all.length - 1))
    const [first, second] = [all[at], all[at + 1]]
    if (!first || !second || !('index' in first) || !('index' in second)) continue
    if (first.index === second.index || (first.type === 'block' && second.type === 'block')) continue
    all.splice(at, 2, second, first)
  }
  return all
}
