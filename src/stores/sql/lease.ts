import { randomText } from '../../lib/ids.js'
import { now } from '../../lib/time.js'
import type { Books, Holder } from './books.js'
import type { Database } from './database.js'

/** A process's sign of life: its holds count as long as its lease runs. A timer renews it while there are any. */
export class Lease {
  /** New with each start: a process that has died never comes back. */
  readonly process: string = randomText(20)
  readonly #database: Database
  readonly #books: Books
  readonly #ms: number
  readonly #holds = new Set<string>()
  #renewedAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  constructor(database: Database, books: Books, ms: number) {
    this.#database = database
    this.#books = books
    this.#ms = ms
  }

  /** For a step that takes a hold: it renews the lease along the way, when that is due. */
  begin(hold: string): Holder {
    this.#holds.add(hold)
    this.#timer ??= setInterval(() => this.#tick(), this.#ms / 3).unref()
    const isDue = now() - this.#renewedAt > this.#ms / 3
    if (isDue) this.#renewedAt = now()
    return { process: this.process, leaseMs: isDue ? this.#ms : 0 }
  }

  end(hold: string): void {
    this.#holds.delete(hold)
  }

  /** A step may have failed that should have renewed it: the next one does. */
  doubt(): void {
    this.#renewedAt = Number.NEGATIVE_INFINITY
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.doubt()
  }

  #tick(): void {
    if (this.#holds.size === 0) return this.stop()
    this.#renewedAt = now()
    this.#renew().catch(() => this.doubt())
  }

  async #renew(): Promise<void> {
    const sql = `INSERT INTO modelmount_processes (id, expires_ms) VALUES ($1, ${this.#books.now} + $2)
      ON CONFLICT (id) DO UPDATE SET expires_ms = excluded.expires_ms`
    await this.#database.run({ sql, values: [this.process, this.#ms] })
  }
}
