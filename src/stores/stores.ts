import type { DeadlineTimer } from '../lib/time.js'
import type { AnswerStore } from './answers.js'
import { CLOSE_MS, doneWithin, StoreCircuitBreaker, type StoreListener } from './circuit-breaker.js'
import type { CooldownStore } from './cooldowns.js'
import { DeferredStores } from './deferred-stores.js'
import { type Opened, openRedis, openSqlDatabase } from './drivers.js'
import type { LedgerStore } from './ledger.js'
import type { Bounds } from './memory.js'
import { MemoryAnswers } from './memory-answers.js'
import { MemoryLedger } from './memory-ledger.js'
import { MemoryLimits } from './memory-limits.js'
import { MemoryUsage } from './memory-usage.js'
import { RedisAnswers } from './redis/answers.js'
import type { RedisClient } from './redis/client.js'
import { RedisCooldowns } from './redis/cooldowns.js'
import { RedisLedger } from './redis/ledger.js'
import { RedisLimits } from './redis/limits.js'
import {
  type LimitSource,
  localLimits,
  ResilientAnswerStore,
  ResilientLedger,
  resilientCooldowns,
  SharedLimits,
  type StoreRule,
} from './resilient-stores.js'
import type { SqlDatabase } from './sql/database.js'
import type { SqlTrouble } from './sql/queue.js'
import type { UsageStore } from './usage.js'

/** What a relay is told of its stores. */
export interface StoresOptions {
  /** A client of the host's own, or an address to connect to. */
  readonly redis: RedisClient | string | undefined
  /** A handle or pool of the host's own, or an address to open. */
  readonly sql: SqlDatabase | string | undefined
  readonly prefix: string
  readonly timeoutMs: number
  readonly leaseMs: number
  readonly onLimitsError: StoreRule
  readonly onBudgetError: StoreRule
  /** So many usage records are kept in memory, where no SQL keeps them all. */
  readonly usageRecords: number
  readonly deadlineTimer: DeadlineTimer
  /** Who hears of trouble with a store, by its name. */
  readonly listener: (store: 'redis' | 'sql') => StoreListener
  /** Hears of writes to SQL that have failed, and of what is lost by it. */
  readonly onTrouble: (trouble: SqlTrouble) => void
}

/** Where a relay keeps what it counts and remembers. */
export interface Stores {
  readonly limits: LimitSource
  readonly ledger: LedgerStore
  /** Undefined where nobody keeps records. */
  readonly usage: UsageStore | undefined
  /** Undefined where health is nobody else's business. */
  readonly cooldowns: CooldownStore | undefined
  answers(bounds: Bounds): AnswerStore
  /** The same limits, where other processes share them: what must be done once is claimed there. */
  readonly shared: SharedLimits | undefined
  /** @throws {Error} when a store cannot be opened */
  ready(): Promise<void>
  /** Writes what is left to be written. What the relay has opened itself is closed. */
  close(): Promise<void>
}

/** Memory, and what the options put in its place. */
export function openStores(options: StoresOptions): Stores {
  const { redis, sql, onLimitsError, onBudgetError, usageRecords } = options
  const local = new MemoryLimits()
  const shared = redis === undefined ? undefined : openShared(redis, options)
  const filed = sql === undefined ? undefined : openFiled(sql, options)
  const sharedLimits = shared && new SharedLimits({ remote: shared.limits, local }, shared.trouble, onLimitsError)
  const ledger = filed?.ledger ?? (shared && new ResilientLedger(shared.ledger, shared.trouble, onBudgetError))
  return {
    limits: sharedLimits ?? localLimits(local),
    ledger: ledger ?? new MemoryLedger(),
    usage: filed?.usage ?? (usageRecords > 0 ? new MemoryUsage(usageRecords) : undefined),
    shared: sharedLimits,
    cooldowns: shared && resilientCooldowns(shared.rests, shared.trouble),
    answers: (bounds) =>
      shared ? new ResilientAnswerStore(shared.answers, shared.trouble) : new MemoryAnswers(bounds),
    async ready() {
      await shared?.ready()
      await filed?.ready()
    },
    async close() {
      await filed?.close()
      await shared?.close()
    },
  }
}

interface Shared {
  readonly limits: RedisLimits
  readonly ledger: RedisLedger
  readonly answers: RedisAnswers
  readonly rests: RedisCooldowns
  readonly trouble: StoreCircuitBreaker
  ready(): Promise<void>
  close(): Promise<void>
}

function openShared(redis: RedisClient | string, options: StoresOptions): Shared {
  const { prefix, leaseMs, listener } = options
  const own = typeof redis === 'string' ? new Opening(() => openRedis(redis)) : undefined
  const client = typeof redis === 'string' ? sending(own as Opening<RedisClient>) : redis
  const limits = new RedisLimits(client, { prefix, leaseMs })
  const ledger = new RedisLedger(client, { prefix, leaseMs })
  const trouble = new StoreCircuitBreaker({ ...options, listener: listener('redis') })
  return {
    limits,
    ledger,
    answers: new RedisAnswers(client, { prefix }),
    rests: new RedisCooldowns(client, { prefix }),
    trouble,
    async ready() {
      await own?.get()
    },
    async close() {
      await trouble.close(CLOSE_MS)
      await doneWithin(CLOSE_MS, Promise.allSettled([limits.close(), ledger.close()]))
      await doneWithin(CLOSE_MS, own?.close())
    },
  }
}

function openFiled(sql: SqlDatabase | string, options: StoresOptions): DeferredStores {
  const own = typeof sql === 'string' ? new Opening(() => openSqlDatabase(sql)) : undefined
  const database = async (): Promise<SqlDatabase> =>
    typeof sql === 'string' ? (own as Opening<SqlDatabase>).get() : sql
  const trouble = new StoreCircuitBreaker({ ...options, listener: options.listener('sql') })
  return new DeferredStores({ ...options, database, trouble, closeDatabase: async () => own?.close() })
}

/** Something that is being opened, and is tried again by whoever needs it when that has failed. */
class Opening<Client> {
  readonly #open: () => Promise<Opened<Client>>
  #opened: Promise<Opened<Client>> | undefined

  constructor(open: () => Promise<Opened<Client>>) {
    this.#open = open
  }

  async get(): Promise<Client> {
    this.#opened ??= this.#open()
    const opened = this.#opened
    try {
      return (await opened).client
    } catch (error) {
      // Somebody else may have seen it fail before, and try again already.
      if (this.#opened === opened) this.#opened = undefined
      throw error
    }
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined)
    await opened?.close()
  }
}

/** A client that opens itself. */
function sending(opening: Opening<RedisClient>): RedisClient {
  return {
    async sendCommand(args) {
      const client = await opening.get()
      const [command = '', ...rest] = args
      return 'call' in client ? client.call(command, ...rest) : client.sendCommand(args)
    },
  }
}
