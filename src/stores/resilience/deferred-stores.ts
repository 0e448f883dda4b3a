import type { LedgerStore } from '../ledger.js'
import type { SqlDatabase } from '../sql/database.js'
import { openSql, type SqlStores } from '../sql/open.js'
import type { WriteFailure } from '../sql/write-queue.js'
import type { UsageFilter, UsageRecord, UsageStore, UsageSum } from '../usage.js'
import { CLOSE_TIMEOUT_MS, type StoreCircuitBreaker, settleWithin } from './circuit-breaker.js'
import { type OutageRule, ResilientLedger } from './resilient-stores.js'

export interface DeferredStoresOptions {
  /** Opens the database if it is not open yet. */
  readonly openDatabase: () => Promise<SqlDatabase>
  readonly closeDatabase: () => Promise<void>
  readonly breaker: StoreCircuitBreaker
  readonly leaseMs: number
  readonly onBudgetError: OutageRule
  readonly onWriteFailure: (failure: WriteFailure) => void
}

/** How many writes wait for a database that does not open. Later ones are lost. */
const MAX_WAITING_WRITES = 100_000

/** The stores of a database that opens when it is first needed. Writes wait until it is open. */
export class DeferredStores {
  readonly ledger: LedgerStore
  readonly usage: UsageStore
  readonly #options: DeferredStoresOptions
  readonly #waitingWrites: ((stores: SqlStores) => void)[] = []
  #opening: Promise<SqlStores> | undefined
  #stores: SqlStores | undefined

  constructor(options: DeferredStoresOptions) {
    this.#options = options
    this.ledger = this.#createLedger()
    this.usage = this.#createUsage()
  }

  /** @throws {Error} when the database cannot be opened */
  async ready(): Promise<void> {
    await this.#open()
  }

  async close(): Promise<void> {
    await this.#options.breaker.close(CLOSE_TIMEOUT_MS)
    await settleWithin(CLOSE_TIMEOUT_MS, this.#waitingWrites.length > 0 ? this.#open() : this.#opening)
    await this.#stores?.close()
    const lostCount = this.#waitingWrites.splice(0).length
    if (lostCount > 0) this.#reportLost(lostCount)
    await settleWithin(CLOSE_TIMEOUT_MS, this.#options.closeDatabase())
  }

  /** After a failure the next caller tries again. */
  #open(): Promise<SqlStores> {
    this.#opening ??= this.#tryOpen()
    return this.#opening
  }

  async #tryOpen(): Promise<SqlStores> {
    const { openDatabase, leaseMs, onWriteFailure } = this.#options
    try {
      const stores = await openSql(await openDatabase(), { leaseMs, onWriteFailure })
      this.#stores = stores
      for (const write of this.#waitingWrites.splice(0)) write(stores)
      return stores
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  /**
   * Runs when the stores are open. If they are, it runs at once, so that the write queue keeps one turn's writes
   * together.
   */
  #write(write: (stores: SqlStores) => void): void {
    if (this.#stores) return write(this.#stores)
    if (this.#waitingWrites.length < MAX_WAITING_WRITES) this.#waitingWrites.push(write)
    else this.#reportLost(1)
    this.#open().catch(() => undefined)
  }

  #reportLost(lostCount: number): void {
    this.#options.onWriteFailure({ error: new Error('the database does not open'), lostCount })
  }

  #createLedger(): LedgerStore {
    const { breaker, onBudgetError } = this.#options
    const deferred: LedgerStore = {
      reserve: async (reservation) => (await this.#open()).ledger.reserve(reservation),
      settle: (reservation, costNanos) => this.#write(({ ledger }) => void ledger.settle(reservation, costNanos)),
      balance: async (account, period) => (await this.#open()).ledger.balance(account, period),
    }
    const resilient = new ResilientLedger(deferred, breaker, onBudgetError)
    return {
      reserve: (reservation) => resilient.reserve(reservation),
      balance: (account, period) => resilient.balance(account, period),
      // The SQL stores have their own queue for settlements, so these need no circuit breaker.
      settle: deferred.settle,
    }
  }

  #createUsage(): UsageStore {
    return {
      write: (record: UsageRecord) => this.#write(({ usage }) => usage.write(record)),
      query: async (filter?: UsageFilter, limit?: number): Promise<UsageRecord[]> =>
        (await this.#open()).usage.query(filter, limit),
      sums: async (per, filter?: UsageFilter): Promise<UsageSum[]> => (await this.#open()).usage.sums(per, filter),
      flush: async () => (await this.#open()).usage.flush(),
    }
  }
}
