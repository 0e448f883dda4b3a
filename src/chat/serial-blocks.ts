import type { ChatEvent, Emit } from './events.js'

/**
 * Reorders events so that only one block is open at a time: the first one continues, and the others wait until it stops.
 * For protocols that stream one block after the other.
 */
export class SerialBlocks {
  readonly #emit: Emit
  /** Index of the open block. */
  #open: number | undefined
  /** Events of the waiting blocks, in the order in which the blocks opened. */
  readonly #waiting = new Map<number, ChatEvent[]>()

  constructor(emit: Emit) {
    this.#emit = emit
  }

  push(event: ChatEvent): void {
    if (!('index' in event)) return this.#emit(event)
    const { index } = event
    if (this.#open === undefined && event.type === 'block') this.#open = index
    if (index !== this.#open) {
      const events = this.#waiting.get(index)
      if (events) events.push(event)
      else this.#waiting.set(index, [event])
      return
    }
    this.#emit(event)
    if (event.type === 'stop') this.#next()
  }

  /** Emits the events of the next waiting block. */
  #next(): void {
    this.#open = undefined
    for (const [index, events] of this.#waiting) {
      this.#waiting.delete(index)
      for (const event of events) this.#emit(event)
      if (events.at(-1)?.type === 'stop') continue
      this.#open = index
      return
    }
  }
}
