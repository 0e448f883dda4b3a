import type { DeadlineTimer } from '../lib/time.js'
import type { AnswerStore } from './answers.js'
import type { CooldownStore } from './cooldowns.js'
import type { LedgerStore } from './ledger.js'
import { MemoryAnswerStore } from './memory/answers.js'
import type { MemoryBounds } from './memory/bounded-map.js'
import { MemoryLedger } from './memory/ledger.js'
import { MemoryLimits } from './memory/limits.js'
import { MemoryUsage } from './memory/usage.js'
import { connectRedis, LazyClient, lazyRedis, openSqlDatabase } from './open-clients.js'
import { RedisAnswerStore } from './redis/answers.js'
import type { RedisClient } from './redis/client.js'
import { RedisCooldowns } from './redis/cooldowns.js'
import { RedisLedger } from './redis/ledger.js'
import { RedisLimits } from './redis/limits.js'
import {
  CLOSE_TIMEOUT_MS,
  StoreCircuitBreaker,
  type StoreListener,
  settleWithin,
} from './resilience/circuit-breaker.js'
import { DeferredStores } from './resilience/deferred-stores.js'
import {
  type LimitSource,
  localLimits,
  type OutageRule,
  ResilientAnswerStore,
  ResilientLedger,
  ResilientLimits,
  resilientCooldowns,
} from './resilience/resilient-stores.js'
import type { SqlDatabase } from './sql/database.js'
import type { WriteFailure } from './sql/write-queue.js'
import type { UsageStore } from './usage.js'

export interface StoresOptions {
  /** The host's client, or a URL to connect to. */
  readonly redis: RedisClient | string | undefined
  /** The host's database handle or pool, or an address to open. */
  readonly sql: SqlDatabase | string | undefined
  /** Prefix of all keys in Redis. */
  readonly prefix: string
  /** How long a call waits for a store. */
  readonly timeoutMs: number
  /** A process that gives no sign of life for this long counts as dead. */
  readonly leaseMs: number
  readonly onLimitsError: OutageRule
  readonly onBudgetError: OutageRule
  /** How many usage records stay in memory if no SQL database keeps them. */
  readonly maxUsageRecords: number
  readonly deadlineTimer: DeadlineTimer
  readonly listener: (store: 'redis' | 'sql') => StoreListener
  /** Called for every failed write to SQL, and for writes that are lost. */
  readonly onWriteFailure: (failure: WriteFailure) => void
}

/** All stores of a relay. */
export interface Stores {
  readonly limits: LimitSource
  readonly ledger: LedgerStore
  /** Undefined if the relay keeps no usage records. */
  readonly usage: UsageStore | undefined
  /** Undefined if the relay shares no cooldowns with other processes. */
  readonly cooldowns: CooldownStore | undefined
  createAnswerStore(bounds: MemoryBounds): AnswerStore
  /** The same as `limits` if other processes share them, else undefined. Used for locks across processes. */
  readonly sharedLimits: ResilientLimits | undefined
  /** @throws {Error} when a store cannot be opened */
  ready(): Promise<void>
  /** Writes what is still pending. Closes the clients that the relay has opened itself. */
  close(): Promise<void>
}

/** Creates the stores: in memory, unless the options name Redis or a database. */
export function openStores(options: StoresOptions): Stores {
  const { redis, sql, onLimitsError, onBudgetError, maxUsageRecords } = options
  const local = new MemoryLimits()
  const redisStores = redis === undefined ? undefined : createRedisStores(redis, options)
  const sqlStores = sql === undefined ? undefined : createSqlStores(sql, options)
  const sharedLimits =
    redisStores && new ResilientLimits({ remote: redisStores.limits, local }, redisStores.breaker, onLimitsError)
  const redisLedger = redisStores && new ResilientLedger(redisStores.ledger, redisStores.breaker, onBudgetError)
  return {
    limits: sharedLimits ?? localLimits(local),
    ledger: sqlStores?.ledger ?? redisLedger ?? new MemoryLedger(),
    usage: sqlStores?.usage ?? (maxUsageRecords > 0 ? new MemoryUsage(maxUsageRecords) : undefined),
    sharedLimits,
    cooldowns: redisStores && resilientCooldowns(redisStores.cooldowns, redisStores.breaker),
    createAnswerStore: (bounds) =>
      redisStores ? new ResilientAnswerStore(redisStores.answers, redisStores.breaker) : new MemoryAnswerStore(bounds),
    async ready() {
      await redisStores?.ready()
      await sqlStores?.ready()
    },
    async close() {
      await sqlStores?.close()
      await redisStores?.close()
    },
  }
}

interface RedisStores {
  readonly limits: RedisLimits
  readonly ledger: RedisLedger
  readonly answers: RedisAnswerStore
  readonly cooldowns: RedisCooldowns
  readonly breaker: StoreCircuitBreaker
  ready(): Promise<void>
  close(): Promise<void>
}

function createRedisStores(redis: RedisClient | string, options: StoresOptions): RedisStores {
  const { prefix, leaseMs, listener } = options
  const ownClient = typeof redis === 'string' ? new LazyClient(() => connectRedis(redis)) : undefined
  const client = ownClient ? lazyRedis(ownClient) : (redis as RedisClient)
  const limits = new RedisLimits(client, { prefix, leaseMs })
  const ledger = new RedisLedger(client, { prefix, leaseMs })
  const breaker = new StoreCircuitBreaker({ ...options, listener: listener('redis') })
  return {
    limits,
    ledger,
    answers: new RedisAnswerStore(client, { prefix }),
    cooldowns: new RedisCooldowns(client, { prefix }),
    breaker,
    async ready() {
      await ownClient?.get()
    },
    async close() {
      await breaker.close(CLOSE_TIMEOUT_MS)
      await settleWithin(CLOSE_TIMEOUT_MS, Promise.allSettled([limits.close(), ledger.close()]))
      await settleWithin(CLOSE_TIMEOUT_MS, ownClient?.close())
    },
  }
}

function createSqlStores(sql: SqlDatabase | string, options: StoresOptions): DeferredStores {
  const ownDatabase = typeof sql === 'string' ? new LazyClient(() => openSqlDatabase(sql)) : undefined
  const openDatabase = async (): Promise<SqlDatabase> => (ownDatabase ? ownDatabase.get() : (sql as SqlDatabase))
  const breaker = new StoreCircuitBreaker({ ...options, listener: options.listener('sql') })
  return new DeferredStores({ ...options, openDatabase, breaker, closeDatabase: async () => ownDatabase?.close() })
}
