import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { randomText } from '../../src/lib/ids.js'
import type { SpendingCap } from '../../src/stores/ledger.js'
import { type SqlStatement, toNumber } from '../../src/stores/sql/database.js'
import { openSql, type SqlOptions, type SqlStores } from '../../src/stores/sql/open.js'
import { seeded } from '../random.js'
import { Child, type Compiled, compileStores } from './child.js'
import { type OpenedDatabase, openDatabase, type Place } from './drivers.js'
import { ledgerSuite, makeCap, makeReservation } from './ledger.suite.js'
import { makeCaller, makeRecord, usageSuite } from './usage.suite.js'

/**
 * What both stores of a database must do. `place` is called within tests, when the server runs. `fresh` has no
 * tables.
 */
export function sqlSuite(name: string, place: () => Place, fresh: () => Promise<Place>): void {
  const open = async (): Promise<Opened> => openStores(place())
  ledgerSuite(`the ledger in ${name}`, open, { shared: true })
  usageSuite(`usage records in ${name}`, open)
  describe(`both in ${name}`, () => {
    const opened: Opened[] = []
    afterEach(async () => {
      for (const { close } of opened.splice(0)) await close()
    })
    const start = async (options?: SqlOptions): Promise<Opened> => {
      const one = await openStores(place(), options)
      opened.push(one)
      return one
    }
    testSums(start)
    testPurge(start)
    testProcesses(start, place, fresh)
  })
}

interface Opened extends SqlStores {
  readonly opened: OpenedDatabase
}

async function openStores(place: Place, options?: SqlOptions): Promise<Opened> {
  const opened = openDatabase(place)
  const stores = await openSql(opened.database, options)
  const close = async (): Promise<void> => {
    await stores.close()
    await opened.close()
  }
  return { ...stores, opened, close }
}

type Start = (options?: SqlOptions) => Promise<Opened>

/** One call, from its reservation to its record. It ends in a random way. */
async function makeCall(
  { ledger, usage }: SqlStores,
  caps: readonly SpendingCap[],
  random: () => number,
): Promise<void> {
  const callerId = caps[0]?.account ?? ''
  const reservation = makeReservation(1 + Math.floor(random() * 1e6), caps)
  if (await ledger.reserve(reservation)) return
  if (random() < 0.5) await new Promise((resolve) => setTimeout(resolve, random() * 5))
  const costNanos = random() < 0.3 ? 0 : Math.floor(random() * 2e6)
  void ledger.settle(reservation, costNanos)
  usage.write(makeRecord({ callerId, costNanos, outcome: costNanos === 0 ? 'failed' : 'complete' }))
}

async function sumOf({ usage }: SqlStores, callerId: string): Promise<number> {
  const sums = await usage.sums('day', { callerId })
  return sums.reduce((sum, { costNanos }) => sum + costNanos, 0)
}

function testSums(start: Start): void {
  it('charges what the usage records say, to the nano-dollar', async () => {
    const stores = await start()
    const random = seeded(4)
    const caps = [makeCap(2e8), makeCap(1e12)]
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 300 }, () => makeCall(stores, caps, random)))
    }
    await stores.usage.flush()
    const account = caps[0]?.account ?? ''
    const { spent, held } = await stores.ledger.balance(account, 'total')
    expect(held).toBe(0)
    expect(spent).toBeGreaterThan(0)
    expect(await sumOf(stores, account)).toBe(spent)
  })

  it('refuses no call for money that has just been given back', async () => {
    const { ledger } = await start({ flushMs: 60_000 })
    const cap = makeCap(100)
    for (let turn = 0; turn < 5; turn++) {
      const reservation = makeReservation(100, [cap])
      expect(await ledger.reserve(reservation)).toBeUndefined()
      void ledger.settle(reservation, 0)
    }
  })

  it('keeps names that an index cannot store', async () => {
    const { ledger } = await start()
    const long = randomText(5000)
    const caps = [`${long}1`, `${long}2`, 'zero\0byte'].map((account) => ({ account, period: long, limitNanos: 100 }))
    const [first, second, third] = caps.map((cap) => makeReservation(60, [cap]))
    if (!first || !second || !third) return expect.fail()
    for (const reservation of [first, second, third]) expect(await ledger.reserve(reservation)).toBeUndefined()
    expect(await ledger.reserve(makeReservation(60, first.caps))).toBe(caps[0])
    void ledger.settle(first, 1.4)
    void ledger.settle(second, Number.NaN)
    expect(await ledger.balance(`${long}1`, long)).toEqual({ spent: 1, held: 0 })
    expect(await ledger.balance(`${long}2`, long)).toEqual({ spent: 0, held: 0 })
    expect(await ledger.balance('zero\0byte', long)).toEqual({ spent: 0, held: 60 })
    void ledger.settle(third, 0)
  })
}

function testPurge(start: Start): void {
  it('forgets reservations a day after their end, when it is opened again', async () => {
    const stores = await start()
    const [old, recent] = [makeReservation(10, [makeCap(100)]), makeReservation(10, [makeCap(100)])]
    for (const reservation of [old, recent]) {
      await stores.ledger.reserve(reservation)
      void stores.ledger.settle(reservation, 10)
    }
    await stores.usage.flush()
    await run(stores, {
      sql: `UPDATE modelmount_holds SET time_ms = time_ms - 90000000 WHERE id = '${old.id}'`,
    })
    await start()
    const known = async (id: string): Promise<number> =>
      (await run(stores, { sql: `SELECT id FROM modelmount_holds WHERE id = '${id}'` })).length
    expect([await known(old.id), await known(recent.id)]).toEqual([0, 1])
  })

  it('releases the reservations of a process whose lease has expired, and still charges a later settlement', async () => {
    const dead = await start({ leaseMs: 60_000 })
    const live = await start({ leaseMs: 60_000 })
    const cap = makeCap(1000)
    const [swept, kept] = [makeReservation(300, [cap]), makeReservation(200, [cap])]
    await dead.ledger.reserve(swept)
    await live.ledger.reserve(kept)
    const [row] = await run(dead, { sql: `SELECT process FROM modelmount_holds WHERE id = '${swept.id}'` })
    await run(dead, { sql: `UPDATE modelmount_processes SET expires_ms = 0 WHERE id = '${String(row?.process)}'` })
    await start()
    expect(await live.ledger.balance(cap.account, 'total')).toEqual({ spent: 0, held: 200 })
    void dead.ledger.settle(swept, 250)
    await dead.usage.flush()
    void live.ledger.settle(kept, 100)
    void live.ledger.settle(swept, 250)
    expect(await live.ledger.balance(cap.account, 'total')).toEqual({ spent: 350, held: 0 })
  })

  it('renews the lease while a call is running', async () => {
    const slow = await start({ leaseMs: 600 })
    const reservation = makeReservation(300, [makeCap(1000)])
    await slow.ledger.reserve(reservation)
    await new Promise((resolve) => setTimeout(resolve, 1200))
    await start({ leaseMs: 600 })
    expect((await slow.ledger.balance(reservation.caps[0]?.account ?? '', 'total')).held).toBe(300)
  })
}

async function run({ opened }: Opened, { sql }: SqlStatement): Promise<Record<string, unknown>[]> {
  const { database } = opened
  if ('connect' in database) return (await database.query(sql)).rows as Record<string, unknown>[]
  if (/^SELECT/.test(sql)) return database.prepare(sql).all() as Record<string, unknown>[]
  database.exec(sql)
  return []
}

function testProcesses(start: Start, place: () => Place, fresh: () => Promise<Place>): void {
  let compiled: Compiled
  beforeAll(() => {
    compiled = compileStores()
  })
  afterAll(() => compiled.remove())

  it('has consistent accounts after processes were killed in the middle of calls', { timeout: 60_000 }, async () => {
    const account = `key:${makeCaller()}`
    const children = Array.from({ length: 2 }, () => new Child(compiled, place(), account))
    await Promise.all(children.map((child) => child.working()))
    await new Promise((resolve) => setTimeout(resolve, 300))
    await Promise.all(children.map((child) => child.kill()))
    const before = await start({ sweepMs: 50 })
    const count = {
      sql: `SELECT count(*) AS held FROM modelmount_holds WHERE status = 'held' AND account = '${account}'`,
    }
    expect(toNumber((await run(before, count))[0]?.held)).toBeGreaterThan(0)
    await expect.poll(() => before.ledger.balance(account, 'total'), { timeout: 5000 }).toMatchObject({ held: 0 })
    const { spent } = await before.ledger.balance(account, 'total')
    expect(spent).toBeGreaterThan(0)
    expect(await sumOf(before, account)).toBe(spent)
  })

  it('creates its tables once, even if several processes start at the same time', { timeout: 60_000 }, async () => {
    const empty = await fresh()
    const children = Array.from({ length: 4 }, () => new Child(compiled, empty, 'key:alice'))
    await Promise.all(children.map((child) => child.working()))
    const opened = await Promise.all(Array.from({ length: 4 }, () => openStores(empty)))
    await Promise.all(children.map((child) => child.kill()))
    const [first] = opened
    const rows = first ? await run(first, { sql: 'SELECT number FROM modelmount_migrations' }) : []
    expect(rows.map(({ number }) => toNumber(number))).toEqual([1])
    for (const { close } of opened) await close()
  })

  it('creates its tables once, even if it is opened several times at the same time', async () => {
    const empty = await fresh()
    const opened = await Promise.all(Array.from({ length: 5 }, () => openStores(empty)))
    for (const { usage } of opened) expect(await usage.query()).toEqual([])
    for (const { close } of opened) await close()
  })
}
