import { randomText } from '../../lib/ids.js'
import { now } from '../../lib/time.js'
import type { Database } from './database.js'
import type { LeaseHolder, SqlOperations } from './operations.js'

/**
 * The lease of this process: its reservations count as long as the lease runs. A new reservation renews the lease,
 * and so does a timer while there are reservations.
 */
export class ProcessLease {
  /** New at each start, so a process that has died never comes back. */
  readonly processId: string = randomText(20)
  readonly #database: Database
  readonly #operations: SqlOperations
  readonly #leaseMs: number
  readonly #reservationIds = new Set<string>()
  #renewedAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  constructor(database: Database, operations: SqlOperations, leaseMs: number) {
    this.#database = database
    this.#operations = operations
    this.#leaseMs = leaseMs
  }

  /** Returns the holder for the step that makes the reservation. The step renews the lease if that is due. */
  addReservation(id: string): LeaseHolder {
    this.#reservationIds.add(id)
    this.#timer ??= setInterval(() => this.#tick(), this.#leaseMs / 3).unref()
    const isDue = now() - this.#renewedAt > this.#leaseMs / 3
    if (isDue) this.#renewedAt = now()
    return { processId: this.processId, leaseMs: isDue ? this.#leaseMs : 0 }
  }

  removeReservation(id: string): void {
    this.#reservationIds.delete(id)
  }

  /** Makes the next step renew the lease. Call it when a step has failed that may have been the one to renew it. */
  renewSoon(): void {
    this.#renewedAt = Number.NEGATIVE_INFINITY
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.renewSoon()
  }

  #tick(): void {
    if (this.#reservationIds.size === 0) return this.stop()
    this.#renewedAt = now()
    this.#renew().catch(() => this.renewSoon())
  }

  async #renew(): Promise<void> {
    const sql = `INSERT INTO modelmount_processes (id, expires_ms) VALUES ($1, ${this.#operations.nowSql} + $2)
      ON CONFLICT (id) DO UPDATE SET expires_ms = excluded.expires_ms`
    await this.#database.run({ sql, values: [this.processId, this.#leaseMs] })
  }
}
