import type { ChatEvent, Emit } from './events.js'

/**
 * Brings events into an order in which no two blocks are open at once: the first that opened goes on as it comes, the
 * others wait until it has stopped. For languages that know one block at a time.
 */
export class SerialBlocks {
  readonly #emit: Emit
  /** The block that may go on. */
  #open: number | undefined
  /** Events of those that wait, in the order in which they opened. */
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

  /** Lets the next block go on, with all that has come of it. */
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
