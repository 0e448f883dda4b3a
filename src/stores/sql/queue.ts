import { now } from '../../lib/time.js'

/** What somebody is told when a write has failed. */
export interface SqlTrouble {
  readonly error: unknown
  /** So many settlements and records are given up. With 0 all of them will be tried again. */
  readonly lost: number
}

/** How a queue behaves. */
export interface QueueOptions {
  /** How long the first of a batch waits for others. */
  readonly flushMs: number
  /** Beyond this the oldest batch is given up. */
  readonly mostQueued: number
  readonly onTrouble: (trouble: SqlTrouble) => void
}

/** A batch of so many is written at once. */
const FULL = 256
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 10_000
const TRIES_AT_CLOSE = 4
/** A database that says nothing at all would be waited for without end. */
const LONGEST_CLOSE_MS = 10_000

/**
 * Writes items together. What is added in one turn of the event loop is never parted: it is written in one transaction,
 * or not at all. A batch that could not be written is kept and tried again.
 */
export class Queue<Item> {
  readonly #write: (items: readonly Item[]) => Promise<void>
  readonly #options: QueueOptions
  #gathering: Item[] = []
  /** Oldest first. */
  readonly #batches: (readonly Item[])[] = []
  #size = 0
  #timer: NodeJS.Timeout | undefined
  #sealing: NodeJS.Immediate | undefined
  #writing: Promise<void> | undefined
  #isDraining = false
  #isClosed = false
  #pauseMs = FIRST_PAUSE_MS

  constructor(write: (items: readonly Item[]) => Promise<void>, options: QueueOptions) {
    this.#write = write
    this.#options = options
  }

  add(item: Item): void {
    // Nobody would write it any more, and whoever tried would try for ever.
    if (this.#isClosed) return this.#options.onTrouble({ error: new Error('The store is closed'), lost: 1 })
    this.#gathering.push(item)
    this.#size++
    if (this.#gathering.length >= FULL) this.#sealing ??= setImmediate(() => this.#full())
    else this.#wait(this.#options.flushMs)
  }

  /** Whether any that is not written yet is such a one. */
  some(test: (item: Item) => boolean): boolean {
    return this.#gathering.some(test) || this.#batches.some((batch) => batch.some(test))
  }

  /** Resolves when all that was added before is written; rejects when the next attempt at it fails. */
  async flush(): Promise<void> {
    await nextTurn()
    this.#seal()
    const last = this.#batches.at(-1)
    while (last && this.#batches.includes(last)) await this.#next()
  }

  /** Writes all, or says how many are lost. */
  async close(): Promise<void> {
    const end = now() + LONGEST_CLOSE_MS
    for (let tries = 1; ; tries++) {
      try {
        await inTime(this.flush(), end - now())
        this.#isClosed = true
        return
      } catch (error) {
        if (tries >= TRIES_AT_CLOSE || now() >= end) return this.#giveUp(error)
        await pause(FIRST_PAUSE_MS * tries)
      }
    }
  }

  #wait(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#drain()
    }, ms).unref()
  }

  #full(): void {
    this.#sealing = undefined
    this.#seal()
    // While writes fail, the timer of the next attempt runs: whoever adds does not hasten it.
    if (this.#pauseMs === FIRST_PAUSE_MS) void this.#drain()
  }

  #seal(): void {
    if (this.#gathering.length === 0) return
    this.#batches.push(this.#gathering)
    this.#gathering = []
    // The first may be on its way just now.
    while (this.#size > this.#options.mostQueued && this.#batches.length > 1) this.#drop()
  }

  #drop(): void {
    const [dropped = []] = this.#batches.splice(1, 1)
    this.#size -= dropped.length
    this.#options.onTrouble({ error: new Error('Too much waits to be written'), lost: dropped.length })
  }

  async #drain(): Promise<void> {
    if (this.#isDraining) return
    this.#isDraining = true
    try {
      do {
        this.#seal()
        if (this.#batches.length > 0) await this.#next()
        await nextTurn()
      } while (this.#batches.length > 0 || this.#gathering.length >= FULL)
      if (this.#gathering.length > 0) this.#wait(this.#options.flushMs)
    } catch {
      // Whoever listens for trouble has been told.
      this.#retryLater()
    } finally {
      this.#isDraining = false
    }
  }

  #retryLater(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#wait(this.#pauseMs)
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS)
  }

  /** Writes the oldest batch. Whoever wants that meanwhile joins in. */
  #next(): Promise<void> {
    this.#writing ??= this.#writeFirst().finally(() => {
      this.#writing = undefined
    })
    return this.#writing
  }

  async #writeFirst(): Promise<void> {
    const [batch] = this.#batches
    if (!batch) return
    try {
      await this.#write(batch)
    } catch (error) {
      this.#options.onTrouble({ error, lost: 0 })
      throw error
    }
    this.#pauseMs = FIRST_PAUSE_MS
    // It may have been given up meanwhile.
    if (this.#batches[0] !== batch) return
    this.#batches.shift()
    this.#size -= batch.length
  }

  #giveUp(error: unknown): void {
    this.#isClosed = true
    const lost = this.#size
    this.#batches.length = 0
    this.#gathering = []
    this.#size = 0
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#options.onTrouble({ error, lost })
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** @throws {Error} when it has not come by then */
function inTime(work: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The database did not answer in time')), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
