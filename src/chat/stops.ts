import type { ChatAnswer } from './answer.js'
import { AnswerCollector } from './collect-answer.js'
import type { ChatEvent, Emit } from './events.js'
import { replayAsEvents } from './replay-answer.js'

/**
 * Ends an answer at the first stop sequence in its text, for protocols without stop sequences. Holds back text that may
 * be the start of a stop sequence.
 */
export class StopCutter {
  readonly #stops: readonly string[]
  readonly #emit: Emit
  /** Open blocks, and the text that is held back of text blocks. */
  readonly #open = new Map<number, string | undefined>()
  #isCut = false

  constructor(stops: readonly string[], emit: Emit) {
    this.#stops = stops
    this.#emit = emit
  }

  /** A stop sequence was reached: only usage and errors pass from now on. */
  get isCut(): boolean {
    return this.#isCut
  }

  push(event: ChatEvent): void {
    if (this.#isCut && event.type !== 'usage' && event.type !== 'error') return
    if (event.type === 'delta') return this.#onDelta(event)
    if (event.type === 'block') this.#open.set(event.index, event.block.type === 'text' ? '' : undefined)
    if (event.type === 'stop') {
      const held = this.#open.get(event.index)
      if (held) this.#emit({ type: 'delta', index: event.index, text: held })
      this.#open.delete(event.index)
    }
    this.#emit(event)
  }

  #onDelta(event: Extract<ChatEvent, { type: 'delta' }>): void {
    const { index } = event
    const held = this.#open.get(index)
    if (held === undefined) return this.#emit(event)
    const text = held + event.text
    const stop = this.#firstIn(text)
    const end = stop ? stop.at : text.length - this.#partialStopLength(text)
    if (end > 0) this.#emit({ type: 'delta', index, text: text.slice(0, end) })
    this.#open.set(index, text.slice(end))
    if (stop) this.#end(stop.sequence)
  }

  #end(sequence: string): void {
    this.#isCut = true
    for (const index of this.#open.keys()) this.#emit({ type: 'stop', index })
    this.#emit({ type: 'finish', choice: 0, finish: { reason: 'stop', sequence } })
  }

  #firstIn(text: string): { at: number; sequence: string } | undefined {
    const found = this.#stops.map((sequence) => ({ at: text.indexOf(sequence), sequence })).filter(({ at }) => at >= 0)
    return found.sort((a, b) => a.at - b.at)[0]
  }

  /** Length of the end of the text that may be the start of a stop sequence. */
  #partialStopLength(text: string): number {
    const maxLength = Math.max(0, ...this.#stops.map(({ length }) => length - 1))
    for (let length = Math.min(maxLength, text.length); length > 0; length--) {
      if (this.#stops.some((sequence) => sequence.startsWith(text.slice(-length)))) return length
    }
    return 0
  }
}

/** The same for a whole answer. */
export function cutAtStop(answer: ChatAnswer, stops: readonly string[]): ChatAnswer {
  const collector = new AnswerCollector()
  const cutter = new StopCutter(stops, (event) => collector.push(event))
  replayAsEvents(answer, (event) => cutter.push(event))
  return cutter.isCut ? collector.answer : answer
}
