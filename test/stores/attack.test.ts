import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { Redis } from 'ioredis'
import { afterAll, afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { fetchRelay } from '../../adapters/fetch.js'
import type { RelayOptions } from '../../src/index.js'
import { Health } from '../../src/policies/failover/health.js'
import type { CooldownStore } from '../../src/stores/cooldowns.js'
import type { Reservation } from '../../src/stores/ledger.js'
import { MemoryLimits } from '../../src/stores/memory/limits.js'
import { RedisLimits } from '../../src/stores/redis/limits.js'
import type { PostgresPool, SqlDatabase } from '../../src/stores/sql/database.js'
import { openSql } from '../../src/stores/sql/open.js'
import { Cleanup } from '../cleanup.js'
import { describeWithRedis } from '../redis-server.js'
import { answerJson, completion, startUpstream } from '../scripted-upstream.js'
import { KEY, testRelay } from '../test-relay.js'
import { pause } from '../until.js'
import { makeSqlitePlace, openDatabase } from './drivers.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const place = makeSqlitePlace()
afterAll(() => place.remove())

const require = createRequire(import.meta.url)
const QUESTION = { model: 'up/test', temperature: 0, max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] }
let uniqueNumber = 0
const uniquePrefix = (): { prefix: string } => ({ prefix: `{attack-${process.pid}-${uniqueNumber++}}:` })

async function start(options: Partial<RelayOptions>) {
  const upstream = cleanup.add(await startUpstream(answerJson(completion('PRIVATE'))))
  const logs: string[] = []
  // Like pino, it writes all properties of an error.
  const log = (details: object, message: string): void => void logs.push(`${message} ${JSON.stringify(details)}`)
  const relay = testRelay({
    providers: { up: { type: 'openai-compatible', baseURL: upstream.baseURL } },
    retry: { attempts: 1 },
    prices: { '*': { input: 1, output: 1 } },
    keys: [{ id: 'alice', key: KEY, budget: { usd: 1 } }],
    logger: { info: log, warn: log, error: log },
    shutdownMs: 300,
    ...options,
  })
  const fetch = fetchRelay(relay)
  const ask = (body: object = {}) =>
    fetch('http://relay/v1/chat/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ ...QUESTION, ...body }),
    })
  return { relay, ask, logs }
}

async function durationMs(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work
  return performance.now() - startedAt
}

/** A pool whose server accepts connections and never answers. */
function silentPool(): PostgresPool {
  const never = (): Promise<never> => new Promise(() => undefined)
  return { on: () => undefined, connect: never, query: never }
}

describe('a relay that closes', () => {
  it('does not wait for a database that never answers, and logs how many writes are lost', async () => {
    const { relay, ask, logs } = await start({
      store: { sql: silentPool(), timeoutMs: 50 },
      onStoreError: { budget: 'allow' },
    })
    expect((await ask()).status).toBe(200)
    expect(await durationMs(relay.close())).toBeLessThan(6000)
    expect(logs.at(-1)).toMatch(/are lost .*"lost":2/)
  }, 10_000)

  it('does not wait for a database that stops answering, and reports how many writes are lost', async () => {
    const lost: number[] = []
    let isSilent = false
    const query = async () => (isSilent ? new Promise<never>(() => undefined) : { rows: [] })
    const on = (): void => undefined
    const client = { on, off: on, release: on, query }
    const pool: PostgresPool = { on, connect: async () => client, query }
    const stores = await openSql(pool, { onWriteFailure: ({ lostCount }) => lost.push(lostCount) })
    isSilent = true
    stores.ledger.settle({ id: 'h', caps: [{ account: 'key:a', period: 'total', limitNanos: 5 }], amountNanos: 1 }, 1)
    expect(await durationMs(stores.close())).toBeLessThan(11_000)
    expect(lost).toEqual([1])
  }, 15_000)

  it('logs the writes of a call that outlives it as lost, and does not retry them for ever', async () => {
    const admitted = (): Promise<void> => pause(300)
    const store = { sql: `sqlite:${place.at}-${uniqueNumber++}` }
    const { relay, ask, logs } = await start({ store, shutdownMs: 50, plugins: [{ admitted }] })
    await relay.ready()
    const pending = ask()
    await pause(50)
    await relay.close()
    expect((await pending).status).toBeGreaterThanOrEqual(500)
    await pause(500)
    expect(logs.filter((line) => line.includes('are lost'))).toHaveLength(2)
    expect(logs.filter((line) => line.includes('will be retried'))).toEqual([])
  })

  it('logs how many writes are lost to a database that cannot be reached', async () => {
    const { relay, ask, logs } = await start({
      store: { sql: 'postgres://user:secret-password@127.0.0.1:1/x', timeoutMs: 50 },
      onStoreError: { budget: 'allow' },
    })
    expect((await ask()).status).toBe(200)
    await relay.close()
    expect(logs.at(-1)).toMatch(/are lost .*"lost":2/)
    expect(logs.join()).not.toContain('secret-password')
  })
})

describe('a pool whose server is away', () => {
  it('gets its listeners once, however often the relay tries to open it', async () => {
    const { Pool } = require('pg') as { Pool: new (options: object) => PostgresPool & NodeJS.EventEmitter }
    const pool = new Pool({ connectionString: 'postgres://user@127.0.0.1:1/x' })
    const { relay } = await start({ store: { sql: pool } })
    for (let tries = 0; tries < 5; tries++) await expect(relay.ready()).rejects.toThrow()
    expect([pool.listenerCount('error'), pool.listenerCount('connect')]).toEqual([1, 1])
    await relay.close()
  })
})

describe('SQLite that another process has locked', () => {
  it('blocks the whole process only for a short time', async () => {
    const at = `${place.at}-${uniqueNumber++}`
    const { relay, ask } = await start({ store: { sql: `sqlite:${at}` } })
    await relay.ready()
    await ask()
    // Another library in this process would not do: SQLite's locks are the process's, so they do not hold against it.
    const lock =
      "new (require('libsql'))(process.argv[1]).exec('BEGIN IMMEDIATE'); console.log(); setInterval(() => {}, 1000)"
    const locking = spawn(process.execPath, ['--eval', lock, at], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void locking.kill('SIGKILL'))
    await once(locking.stdout, 'data')
    let longestMs = 0
    let last = performance.now()
    const timer = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - last)
      last = performance.now()
    }, 5)
    expect((await ask()).status).toBe(503)
    await pause(20)
    clearInterval(timer)
    expect(longestMs).toBeLessThan(900)
    locking.kill('SIGKILL')
    await expect.poll(async () => (await ask()).status, { timeout: 5000 }).toBe(200)
    await relay.close()
  }, 15_000)
})

describe('accounts in SQL', () => {
  it('are separate, however similar and long their names are', async () => {
    const { database, close } = openDatabase({ kind: 'sqlite', at: `${place.at}-${uniqueNumber++}` })
    const { ledger, close: closeStores } = await openSql(database)
    const long = 'key:'.padEnd(300, 'a')
    const names = [long, `${long}b`, 'key:a\0', 'key:a\ufffd', "key:'; DROP TABLE modelmount_accounts; --", 'key:$1']
    for (const [index, account] of names.entries()) ledger.settle(reservationOf(account), index + 1)
    const [{ storedName }] = (await storedNames(database, long)) as [{ storedName: string }]
    // The stored form of a long name is also a valid name of another account.
    for (const name of [storedName, storedName.trimEnd()]) ledger.settle(reservationOf(name), 100)
    for (const [index, account] of names.entries())
      expect(await ledger.balance(account, 'total')).toEqual({ spent: index + 1, held: 0 })
    await closeStores()
    await close()
  })
})

function reservationOf(account: string): Reservation {
  return { id: `reservation ${uniqueNumber++}`, caps: [{ account, period: 'total', limitNanos: 1000 }], amountNanos: 0 }
}

/** How the database stores a long name. */
async function storedNames(database: SqlDatabase, name: string): Promise<unknown[]> {
  await pause(100)
  if (!('prepare' in database)) return []
  const sql = 'SELECT account AS storedName FROM modelmount_accounts WHERE account LIKE ? ORDER BY account'
  return database.prepare(sql).all(`${name.slice(0, 170)}%`)
}

describe('cooldowns of other processes', () => {
  it('stay when the store stops answering', async () => {
    let isDown = false
    const cooldown = { name: 'up#0 m p', kind: 'failure' as const, ms: 60_000 }
    const shared: CooldownStore = {
      put: () => undefined,
      remove: () => undefined,
      list: async () => (isDown ? Promise.reject(new Error('down')) : [cooldown]),
    }
    const health = new Health({ failures: 3, cooldownMs: 1000 }, shared)
    const channel = { credential: { name: 'up#0' }, target: { model: 'm' }, baseUrl: { poolKey: 'p', pathPrefix: '' } }
    const cooldownMs = (): number => health.cooldownMs(channel as never)
    cooldownMs()
    await pause(5)
    expect(cooldownMs()).toBeGreaterThan(0)
    isDown = true
    await pause(1010)
    cooldownMs()
    await pause(5)
    expect(cooldownMs()).toBeGreaterThan(0)
  })
})

const NOTHING_PASSES = [{ rpm: 0 }, { tpm: 0 }, { rpm: Number.NaN }, { concurrency: 0 }, { concurrency: Number.NaN }]
const ONE = { requests: 1, tokens: 0, slots: 1 }

describe('a limit of zero or NaN', () => {
  it.each(NOTHING_PASSES)('lets nothing pass in memory: %o', (limits) => {
    const scope = { name: 'key:a', ...limits }
    const store = new MemoryLimits()
    for (let turn = 0; turn < 2; turn++) expect(store.take([scope], ONE).exceeded).toBeDefined()
    expect(store.take([{ name: 'key:a', rpm: 1 }], ONE).exceeded).toBeUndefined()
  })
})

describeWithRedis('Redis under attack', (server) => {
  it('lets nothing pass when a limit is zero or NaN', async () => {
    const client = new Redis(server.url)
    const store = new RedisLimits(client, uniquePrefix())
    for (const limits of NOTHING_PASSES) {
      const { exceeded } = await store.take([{ name: 'key:a', ...limits }], ONE)
      expect(exceeded, JSON.stringify(limits)).toBeDefined()
      expect((await store.take([{ name: 'key:b', rpm: 1000 }], ONE)).exceeded).toBeUndefined()
    }
    await store.close()
    client.disconnect()
  })

  it('does not keep a relay from closing when it stops answering', async () => {
    const real = new Redis(server.url)
    let isSilent = false
    const call = (command: string, ...args: string[]): Promise<unknown> =>
      isSilent ? new Promise(() => undefined) : real.call(command, ...args)
    const { relay, ask } = await start({
      store: { redis: { call }, timeoutMs: 500, ...uniquePrefix() },
      limits: { concurrency: 3 },
    })
    expect((await ask()).status).toBe(200)
    isSilent = true
    expect(await durationMs(relay.close())).toBeLessThan(6000)
    real.disconnect()
  }, 10_000)

  it('gets one connection after an outage', async () => {
    await server.stop()
    const options = { timeoutMs: 200, ...uniquePrefix() }
    const { relay, ask } = await start({ store: { redis: server.url, ...options }, limits: { rpm: 1000 } })
    for (let turn = 0; turn < 3; turn++) {
      await ask()
      await pause(1050)
    }
    await server.start()
    await expect.poll(async () => (await ask()).status, { timeout: 5000 }).toBe(200)
    // Leaked clients would be connected again by now.
    await pause(1000)
    const admin = new Redis(server.url)
    const clients = async (): Promise<number> =>
      String(await admin.call('CLIENT', 'LIST'))
        .trim()
        .split('\n').length - 1
    expect(await clients()).toBeLessThanOrEqual(1)
    await relay.close()
    await expect.poll(clients).toBe(0)
    admin.disconnect()
  }, 20_000)

  it('keeps answers and passwords out of the log', async () => {
    const admin = new Redis(server.url)
    const { relay, ask, logs } = await start({
      store: { redis: server.url, ...uniquePrefix() },
      cache: {},
      keys: [{ id: 'a', key: KEY }],
    })
    await relay.ready()
    await admin.call('CONFIG', 'SET', 'maxmemory', '1')
    await ask()
    await expect.poll(() => logs.length).toBe(1)
    await admin.call('CONFIG', 'SET', 'maxmemory', '0')
    expect(logs[0]).toContain('OOM')
    expect(logs[0]).not.toMatch(/args|PRIVATE|eyJ/)
    await relay.close()
    admin.disconnect()
  })

  it('keeps the password of an invalid address out of errors and the log', async () => {
    const { relay, ask, logs } = await start({ store: { redis: 'redis://user:secret-password@127.0.0.1:99999' } })
    expect((await ask()).status).toBe(503)
    const error = (await relay.ready().catch((thrown: unknown) => thrown)) as Error
    expect(error).toBeInstanceOf(Error)
    expect(`${logs.join()} ${error.message} ${JSON.stringify(error)}`).not.toContain('secret-password')
    await relay.close()
  })
})
