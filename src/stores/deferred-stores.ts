import { CLOSE_MS, doneWithin, type StoreCircuitBreaker } from './circuit-breaker.js'
import type { LedgerStore } from './ledger.js'
import { ResilientLedger, type StoreRule } from './resilient-stores.js'
import type { SqlDatabase } from './sql/database.js'
import { openSql, type SqlStores } from './sql/open.js'
import type { SqlTrouble } from './sql/queue.js'
import type { UsageFilter, UsageRecord, UsageStore, UsageSum } from './usage.js'

export interface DeferredStoresOptions {
  /** The database, opened if need be. */
  readonly database: () => Promise<SqlDatabase>
  readonly closeDatabase: () => Promise<void>
  readonly trouble: StoreCircuitBreaker
  readonly leaseMs: number
  readonly onBudgetError: StoreRule
  /** Is told of every write that fails, and of what is given up. */
  readonly onTrouble: (trouble: SqlTrouble) => void
}

/** More than this is not kept for a database that does not open. */
const MOST_EARLY = 100_000

/** The stores of a database that is opened when it is first needed: what comes before it is open waits. */
export class DeferredStores {
  readonly ledger: LedgerStore
  readonly usage: UsageStore
  readonly #options: DeferredStoresOptions
  readonly #early: ((stores: SqlStores) => void)[] = []
  #opening: Promise<SqlStores> | undefined
  #stores: SqlStores | undefined

  constructor(options: DeferredStoresOptions) {
    this.#options = options
    this.ledger = this.#makeLedger()
    this.usage = this.#makeUsage()
  }

  /** @throws {Error} when the database cannot be opened */
  async ready(): Promise<void> {
    await this.#open()
  }

  async close(): Promise<void> {
    await this.#options.trouble.close(CLOSE_MS)
    await doneWithin(CLOSE_MS, this.#early.length > 0 ? this.#open() : this.#opening)
    await this.#stores?.close()
    const lost = this.#early.splice(0).length
    if (lost > 0) this.#options.onTrouble({ error: new Error('the database does not open'), lost })
    await doneWithin(CLOSE_MS, this.#options.closeDatabase())
  }

  /** Whoever comes after a failure tries again. */
  #open(): Promise<SqlStores> {
    this.#opening ??= this.#begin()
    return this.#opening
  }

  async #begin(): Promise<SqlStores> {
    const { database, leaseMs, onTrouble } = this.#options
    try {
      const stores = await openSql(await database(), { leaseMs, onTrouble })
      this.#stores = stores
      for (const tell of this.#early.splice(0)) tell(stores)
      return stores
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  /** Tells the stores something: now, so that what is told in one breath is written as one; or when they are open. */
  #tell(what: (stores: SqlStores) => void): void {
    if (this.#stores) return what(this.#stores)
    if (this.#early.length < MOST_EARLY) this.#early.push(what)
    else this.#options.onTrouble({ error: new Error('the database does not open'), lost: 1 })
    this.#open().catch(() => undefined)
  }

  #makeLedger(): LedgerStore {
    const { trouble, onBudgetError } = this.#options
    const late: LedgerStore = {
      reserve: async (hold) => (await this.#open()).ledger.reserve(hold),
      settle: (hold, nanos) => this.#tell(({ ledger }) => void ledger.settle(hold, nanos)),
      balance: async (account, period) => (await this.#open()).ledger.balance(account, period),
    }
    const guarded = new ResilientLedger(late, trouble, onBudgetError)
    return {
      reserve: (hold) => guarded.reserve(hold),
      balance: (account, period) => guarded.balance(account, period),
      // The database has a queue of its own for what has to be written some time.
      settle: late.settle,
    }
  }

  #makeUsage(): UsageStore {
    return {
      write: (record: UsageRecord) => this.#tell(({ usage }) => usage.write(record)),
      query: async (filter?: UsageFilter, limit?: number): Promise<UsageRecord[]> =>
        (await this.#open()).usage.query(filter, limit),
      sums: async (per, filter?: UsageFilter): Promise<UsageSum[]> => (await this.#open()).usage.sums(per, filter),
      flush: async () => (await this.#open()).usage.flush(),
    }
  }
}
