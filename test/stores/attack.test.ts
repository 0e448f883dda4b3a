import { createRequire } from 'node:module'
import { Redis } from 'ioredis'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { fetchRelay } from '../../adapters/fetch.js'
import type { RelayOptions } from '../../src/index.js'
import { Health } from '../../src/policies/failover/health.js'
import type { CooldownStore } from '../../src/stores/cooldowns.js'
import type { Reservation } from '../../src/stores/ledger.js'
import { MemoryLimits } from '../../src/stores/memory-limits.js'
import { RedisLimits } from '../../src/stores/redis/limits.js'
import type { PostgresPool, SqlDatabase } from '../../src/stores/sql/database.js'
import { openSql } from '../../src/stores/sql/open.js'
import { Cleanup, KEY, pause, testRelay } from '../mounts.js'
import { describeWithRedis } from '../redis-server.js'
import { answerJson, completion, startUpstream } from '../upstream.js'
import { makeSqlitePlace, openDatabase } from './drivers.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const place = makeSqlitePlace()
afterAll(() => place.remove())

const require = createRequire(import.meta.url)
const QUESTION = { model: 'up/test', temperature: 0, max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] }
let databases = 0
const fresh = (): { prefix: string } => ({ prefix: `{attack-${process.pid}-${databases++}}:` })

async function start(options: Partial<RelayOptions>) {
  const upstream = cleanup.add(await startUpstream(answerJson(completion('PRIVATE'))))
  const logs: string[] = []
  // As pino writes them: with all that hangs on an error.
  const hear = (details: object, message: string): void => void logs.push(`${message} ${JSON.stringify(details)}`)
  const relay = testRelay({
    providers: { up: { type: 'openai-compatible', baseURL: upstream.baseURL } },
    retry: { attempts: 1 },
    prices: { '*': { input: 1, output: 1 } },
    keys: [{ id: 'alice', key: KEY, budget: { usd: 1 } }],
    logger: { info: hear, warn: hear, error: hear },
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

async function timed(work: Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work
  return performance.now() - from
}

/** A pool whose server accepts, and never says a word. */
function silentPool(): PostgresPool {
  const never = (): Promise<never> => new Promise(() => undefined)
  return { on: () => undefined, connect: never, query: never }
}

describe('a relay that closes', () => {
  it('does not wait for a database that says nothing, and tells what is lost', async () => {
    const { relay, ask, logs } = await start({
      store: { sql: silentPool(), timeoutMs: 50 },
      onStoreError: { budget: 'allow' },
    })
    expect((await ask()).status).toBe(200)
    expect(await timed(relay.close())).toBeLessThan(6000)
    expect(logs.at(-1)).toMatch(/are lost .*"lost":2/)
  }, 10_000)

  it('does not wait for a database that stops to answer, and tells what is lost', async () => {
    const lost: number[] = []
    let isSilent = false
    const query = async () => (isSilent ? new Promise<never>(() => undefined) : { rows: [] })
    const on = (): void => undefined
    const client = { on, off: on, release: on, query }
    const pool: PostgresPool = { on, connect: async () => client, query }
    const stores = await openSql(pool, { onTrouble: (trouble) => lost.push(trouble.lost) })
    isSilent = true
    stores.ledger.settle({ id: 'h', caps: [{ account: 'key:a', period: 'total', nanos: 5 }], nanos: 1 }, 1)
    expect(await timed(stores.close())).toBeLessThan(11_000)
    expect(lost).toEqual([1])
  }, 15_000)

  it('takes nothing more, of a call that went on: it is told as lost, and not tried for ever', async () => {
    const admitted = (): Promise<void> => pause(300)
    const store = { sql: `sqlite:${place.at}-${databases++}` }
    const { relay, ask, logs } = await start({ store, shutdownMs: 50, plugins: [{ admitted }] })
    await relay.ready()
    const pending = ask()
    await pause(50)
    await relay.close()
    expect((await pending).status).toBeGreaterThanOrEqual(500)
    await pause(500)
    expect(logs.filter((line) => line.includes('are lost'))).toHaveLength(2)
    expect(logs.filter((line) => line.includes('tried again'))).toEqual([])
  })

  it('tells what is lost to a database that never was there', async () => {
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
  it('is listened to once, however often it is tried', async () => {
    const { Pool } = require('pg') as { Pool: new (options: object) => PostgresPool & NodeJS.EventEmitter }
    const pool = new Pool({ connectionString: 'postgres://user@127.0.0.1:1/x' })
    const { relay } = await start({ store: { sql: pool } })
    for (let tries = 0; tries < 5; tries++) await expect(relay.ready()).rejects.toThrow()
    expect([pool.listenerCount('error'), pool.listenerCount('connect')]).toEqual([1, 1])
    await relay.close()
  })
})

describe('SQLite that another process has locked', () => {
  it('holds the whole process up for a short while only', async () => {
    const at = `${place.at}-${databases++}`
    const { relay, ask } = await start({ store: { sql: `sqlite:${at}` } })
    await relay.ready()
    await ask()
    const { database, close } = openDatabase({ kind: 'sqlite', at })
    const { exec } = database as { exec(sql: string): void }
    exec.call(database, 'BEGIN IMMEDIATE')
    let maxLength = 0
    let last = performance.now()
    const timer = setInterval(() => {
      maxLength = Math.max(maxLength, performance.now() - last)
      last = performance.now()
    }, 5)
    expect((await ask()).status).toBe(503)
    await pause(20)
    clearInterval(timer)
    expect(maxLength).toBeLessThan(900)
    exec.call(database, 'ROLLBACK')
    await close()
    await expect.poll(async () => (await ask()).status, { timeout: 5000 }).toBe(200)
    await relay.close()
  }, 15_000)
})

describe('accounts in SQL', () => {
  it('are apart, however alike and long their names', async () => {
    const { database, close } = openDatabase({ kind: 'sqlite', at: `${place.at}-${databases++}` })
    const { ledger, close: closeStores } = await openSql(database)
    const long = 'key:'.padEnd(300, 'a')
    const names = [long, `${long}b`, 'key:a\0', 'key:a\ufffd', "key:'; DROP TABLE modelmount_accounts; --", 'key:$1']
    for (const [index, account] of names.entries()) ledger.settle(holdOf(account), index + 1)
    const [{ kept }] = (await stored(database, long)) as [{ kept: string }]
    // What a long name is kept as is a name as well.
    for (const name of [kept, kept.trimEnd()]) ledger.settle(holdOf(name), 100)
    for (const [index, account] of names.entries())
      expect(await ledger.balance(account, 'total')).toEqual({ spent: index + 1, held: 0 })
    await closeStores()
    await close()
  })
})

function holdOf(account: string): Reservation {
  return { id: `hold ${databases++}`, caps: [{ account, period: 'total', nanos: 1000 }], nanos: 0 }
}

/** The names that a long one is kept under. */
async function stored(database: SqlDatabase, like: string): Promise<unknown[]> {
  await pause(100)
  if (!('prepare' in database)) return []
  const sql = 'SELECT account AS kept FROM modelmount_accounts WHERE account LIKE ? ORDER BY account'
  return database.prepare(sql).all(`${like.slice(0, 170)}%`)
}

describe('news of what rests elsewhere', () => {
  it('that do not come wake nobody', async () => {
    let isDown = false
    const rest = { name: 'up#0 m p', kind: 'rest' as const, ms: 60_000 }
    const shared: CooldownStore = {
      put: () => undefined,
      remove: () => undefined,
      list: async () => (isDown ? Promise.reject(new Error('down')) : [rest]),
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

describe('a limit of nothing, or that is none', () => {
  it.each(NOTHING_PASSES)('lets nothing pass in memory: %o', (limits) => {
    const scope = { name: 'key:a', ...limits }
    const store = new MemoryLimits()
    for (let turn = 0; turn < 2; turn++) expect(store.take([scope], ONE).met).toBeDefined()
    expect(store.take([{ name: 'key:a', rpm: 1 }], ONE).met).toBeUndefined()
  })
})

describeWithRedis('Redis under attack', (server) => {
  it('lets nothing pass where a limit is nothing, or none', async () => {
    const client = new Redis(server.url)
    const store = new RedisLimits(client, fresh())
    for (const limits of NOTHING_PASSES) {
      const taken = await store.take([{ name: 'key:a', ...limits }], ONE)
      expect(taken.met, JSON.stringify(limits)).toBeDefined()
      expect((await store.take([{ name: 'key:b', rpm: 1000 }], ONE)).met).toBeUndefined()
    }
    await store.close()
    client.disconnect()
  })

  it('that stops to answer does not keep a relay from closing', async () => {
    const real = new Redis(server.url)
    let isSilent = false
    const call = (command: string, ...words: string[]): Promise<unknown> =>
      isSilent ? new Promise(() => undefined) : real.call(command, ...words)
    const { relay, ask } = await start({
      store: { redis: { call }, timeoutMs: 100, ...fresh() },
      limits: { concurrency: 3 },
    })
    expect((await ask()).status).toBe(200)
    isSilent = true
    expect(await timed(relay.close())).toBeLessThan(6000)
    real.disconnect()
  }, 10_000)

  it('is connected to once after an outage', async () => {
    await server.stop()
    const options = { timeoutMs: 200, ...fresh() }
    const { relay, ask } = await start({ store: { redis: server.url, ...options }, limits: { rpm: 1000 } })
    for (let turn = 0; turn < 3; turn++) {
      await ask()
      await pause(1050)
    }
    await server.start()
    await expect.poll(async () => (await ask()).status, { timeout: 5000 }).toBe(200)
    // Clients that had been forgotten would come back by now.
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

  it('has nothing of answers and passwords told in a log', async () => {
    const admin = new Redis(server.url)
    const { relay, ask, logs } = await start({
      store: { redis: server.url, ...fresh() },
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

  it('whose address is none is told of without its password', async () => {
    const { relay, ask, logs } = await start({ store: { redis: 'redis://user:secret-password@127.0.0.1:99999' } })
    expect((await ask()).status).toBe(503)
    const error = (await relay.ready().catch((thrown: unknown) => thrown)) as Error
    expect(error).toBeInstanceOf(Error)
    expect(`${logs.join()} ${error.message} ${JSON.stringify(error)}`).not.toContain('secret-password')
    await relay.close()
  })
})
