import { now } from '../../lib/time.js'

/** A write to the database has failed, or is lost. */
export interface WriteFailure {
  readonly error: unknown
  /** How many settlements and records are lost. 0 if the queue will try all of them again. */
  readonly lostCount: number
}

export interface WriteQueueOptions {
  /** How long the first item of a batch waits for others. */
  readonly flushMs: number
  /** When more items wait, the queue drops the oldest batch. */
  readonly maxQueued: number
  readonly onWriteFailure: (failure: WriteFailure) => void
}

/** A batch of this size is written at once. */
const FULL_BATCH_SIZE = 256
const MIN_RETRY_MS = 100
const MAX_RETRY_MS = 10_000
const MAX_ATTEMPTS_AT_CLOSE = 4
/** How long `close` waits for a database that does not answer. */
const MAX_CLOSE_MS = 10_000

/**
 * Writes items in batches. Items that are added in one turn of the event loop stay together: one transaction writes all
 * of them. The queue keeps a batch whose write fails, and tries it again.
 */
export class WriteQueue<Item> {
  readonly #write: (items: readonly Item[]) => Promise<void>
  readonly #options: WriteQueueOptions
  /** The batch that still grows. */
  #openBatch: Item[] = []
  /** Complete batches, the oldest first. */
  readonly #batches: (readonly Item[])[] = []
  /** Number of items in all batches. */
  #size = 0
  #drainTimer: NodeJS.Timeout | undefined
  #fullBatchImmediate: NodeJS.Immediate | undefined
  #writing: Promise<void> | undefined
  #isDraining = false
  #isClosed = false
  #retryMs = MIN_RETRY_MS

  constructor(write: (items: readonly Item[]) => Promise<void>, options: WriteQueueOptions) {
    this.#write = write
    this.#options = options
  }

  add(item: Item): void {
    if (this.#isClosed) return this.#options.onWriteFailure({ error: new Error('the store is closed'), lostCount: 1 })
    this.#openBatch.push(item)
    this.#size++
    if (this.#openBatch.length >= FULL_BATCH_SIZE) {
      this.#fullBatchImmediate ??= setImmediate(() => this.#writeFullBatch())
    } else this.#drainIn(this.#options.flushMs)
  }

  /** Whether the test is true for an item that is not written yet. */
  some(test: (item: Item) => boolean): boolean {
    return this.#openBatch.some(test) || this.#batches.some((batch) => batch.some(test))
  }

  /** Resolves when all items added so far are written. Rejects if the next attempt to write them fails. */
  async flush(): Promise<void> {
    await nextTurn()
    this.#completeBatch()
    const last = this.#batches.at(-1)
    while (last && this.#batches.includes(last)) await this.#writeNext()
  }

  /** Writes all items. If that fails, it reports how many are lost. */
  async close(): Promise<void> {
    const closeBy = now() + MAX_CLOSE_MS
    for (let attempt = 1; ; attempt++) {
      try {
        await withTimeout(this.flush(), closeBy - now())
        this.#isClosed = true
        return
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS_AT_CLOSE || now() >= closeBy) return this.#dropAll(error)
        await sleep(MIN_RETRY_MS * attempt)
      }
    }
  }

  #drainIn(ms: number): void {
    this.#drainTimer ??= setTimeout(() => {
      this.#drainTimer = undefined
      void this.#drain()
    }, ms).unref()
  }

  #writeFullBatch(): void {
    this.#fullBatchImmediate = undefined
    this.#completeBatch()
    // While writes fail, the retry timer runs. A full batch must not make the next attempt come earlier.
    if (this.#retryMs === MIN_RETRY_MS) void this.#drain()
  }

  #completeBatch(): void {
    if (this.#openBatch.length === 0) return
    this.#batches.push(this.#openBatch)
    this.#openBatch = []
    while (this.#size > this.#options.maxQueued && this.#batches.length > 1) this.#dropOldest()
  }

  /** Drops the second batch, because the first one may be on its way to the database. */
  #dropOldest(): void {
    const [dropped = []] = this.#batches.splice(1, 1)
    this.#size -= dropped.length
    this.#options.onWriteFailure({ error: new Error('too many writes wait'), lostCount: dropped.length })
  }

  async #drain(): Promise<void> {
    if (this.#isDraining) return
    this.#isDraining = true
    try {
      do {
        this.#completeBatch()
        if (this.#batches.length > 0) await this.#writeNext()
        await nextTurn()
      } while (this.#batches.length > 0 || this.#openBatch.length >= FULL_BATCH_SIZE)
      if (this.#openBatch.length > 0) this.#drainIn(this.#options.flushMs)
    } catch {
      // `#writeFirstBatch` has reported the failure.
      this.#retryLater()
    } finally {
      this.#isDraining = false
    }
  }

  #retryLater(): void {
    clearTimeout(this.#drainTimer)
    this.#drainTimer = undefined
    this.#drainIn(this.#retryMs)
    this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS)
  }

  /** Writes the oldest batch. Several callers share one write. */
  #writeNext(): Promise<void> {
    this.#writing ??= this.#writeFirstBatch().finally(() => {
      this.#writing = undefined
    })
    return this.#writing
  }

  async #writeFirstBatch(): Promise<void> {
    const [batch] = this.#batches
    if (!batch) return
    try {
      await this.#write(batch)
    } catch (error) {
      this.#options.onWriteFailure({ error, lostCount: 0 })
      throw error
    }
    this.#retryMs = MIN_RETRY_MS
    // `close` may have dropped the batch meanwhile.
    if (this.#batches[0] !== batch) return
    this.#batches.shift()
    this.#size -= batch.length
  }

  #dropAll(error: unknown): void {
    this.#isClosed = true
    const lostCount = this.#size
    this.#batches.length = 0
    this.#openBatch = []
    this.#size = 0
    clearTimeout(this.#drainTimer)
    this.#drainTimer = undefined
    this.#options.onWriteFailure({ error, lostCount })
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** @throws {Error} when the work takes longer than `ms` */
function withTimeout(work: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the database did not answer in time')), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
