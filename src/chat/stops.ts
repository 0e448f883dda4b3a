import type { ChatAnswer } from './answer.js'
import { AnswerCollector } from './collect-answer.js'
import type { ChatEvent, Emit } from './events.js'
import { replayAsEvents } from './replay-answer.js'

/**
 * Ends an answer where its text first meets a stop sequence: for languages that know none. Text that may be the beginning
 * of one is kept back until that is known.
 */
export class StopCutter {
  readonly #stops: readonly string[]
  readonly #emit: Emit
  /** Open blocks, and of those with text what is kept back. */
  readonly #open = new Map<number, string | undefined>()
  #isCut = false

  constructor(stops: readonly string[], emit: Emit) {
    this.#stops = stops
    this.#emit = emit
  }

  /** A stop sequence was met: of what follows only the usage is told. */
  get isCut(): boolean {
    return this.#isCut
  }

  push(event: ChatEvent): void {
    if (this.#isCut && event.type !== 'usage' && event.type !== 'error') return
    if (event.type === 'delta') return this.#grow(event)
    if (event.type === 'block') this.#open.set(event.index, event.block.type === 'text' ? '' : undefined)
    if (event.type === 'stop') {
      const kept = this.#open.get(event.index)
      if (kept) this.#emit({ type: 'delta', index: event.index, text: kept })
      this.#open.delete(event.index)
    }
    this.#emit(event)
  }

  #grow(event: Extract<ChatEvent, { type: 'delta' }>): void {
    const { index } = event
    const kept = this.#open.get(index)
    if (kept === undefined) return this.#emit(event)
    const text = kept + event.text
    const met = this.#firstIn(text)
    const end = met ? met.at : text.length - this.#beginningAtEnd(text)
    if (end > 0) this.#emit({ type: 'delta', index, text: text.slice(0, end) })
    this.#open.set(index, text.slice(end))
    if (met) this.#cut(met.sequence)
  }

  #cut(sequence: string): void {
    this.#isCut = true
    for (const index of this.#open.keys()) this.#emit({ type: 'stop', index })
    this.#emit({ type: 'finish', choice: 0, finish: { reason: 'stop', sequence } })
  }

  #firstIn(text: string): { at: number; sequence: string } | undefined {
    const found = this.#stops.map((sequence) => ({ at: text.indexOf(sequence), sequence })).filter(({ at }) => at >= 0)
    return found.sort((a, b) => a.at - b.at)[0]
  }

  /** How much of the text's end may be the beginning of a stop sequence. */
  #beginningAtEnd(text: string): number {
    const longest = Math.max(0, ...this.#stops.map(({ length }) => length - 1))
    for (let length = Math.min(longest, text.length); length > 0; length--) {
      if (this.#stops.some((sequence) => sequence.startsWith(text.slice(-length)))) return length
    }
    return 0
  }
}

/** The same for a whole answer. */
export function cutAtStop(answer: ChatAnswer, stops: readonly string[]): ChatAnswer {
  const fold = new AnswerCollector()
  const cutter = new StopCutter(stops, (event) => fold.push(event))
  replayAsEvents(answer, (event) => cutter.push(event))
  return cutter.isCut ? fold.answer : answer
}
