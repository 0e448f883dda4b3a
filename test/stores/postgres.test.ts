import { expect, it } from 'vitest'
import { openSql } from '../../src/stores/sql/open.js'
import type { WriteFailure } from '../../src/stores/sql/write-queue.js'
import { describeWithPostgres, type PostgresServer } from '../postgres-server.js'
import { seeded } from '../random.js'
import { openDatabase, type Place } from './drivers.js'
import { makeCap, makeReservation } from './ledger.suite.js'
import { sqlSuite } from './sql.suite.js'
import { makeRecord } from './usage.suite.js'

describeWithPostgres('PostgreSQL', (server) => {
  let databases = 0
  sqlSuite(
    'PostgreSQL',
    () => ({ kind: 'postgres', at: server.url }),
    async () => makeDatabase(server, `fresh${databases++}`),
  )

  it('keeps settlements while the server is away, and writes them once', { timeout: 60_000 }, async () => {
    const failures: WriteFailure[] = []
    const { database, close } = openDatabase({ kind: 'postgres', at: server.url })
    const stores = await openSql(database, { onWriteFailure: (failure) => failures.push(failure) })
    const cap = makeCap(1000)
    const reservations = [makeReservation(100, [cap]), makeReservation(100, [cap]), makeReservation(100, [cap])]
    for (const reservation of reservations) await stores.ledger.reserve(reservation)
    await server.stop()
    for (const reservation of reservations) {
      void stores.ledger.settle(reservation, 70)
      stores.usage.write(makeRecord({ callerId: cap.account, costNanos: 70 }))
    }
    await expect(stores.usage.flush()).rejects.toThrow()
    await expect(stores.ledger.reserve(makeReservation(1, [cap]))).rejects.toThrow()
    await server.start()
    await expect.poll(() => stores.usage.query({ callerId: cap.account }), { timeout: 10_000 }).toHaveLength(3)
    expect(await stores.ledger.balance(cap.account, cap.period)).toEqual({ spent: 210, held: 0 })
    expect(failures.length).toBeGreaterThan(0)
    expect(failures.every(({ lostCount }) => lostCount === 0)).toBe(true)
    await stores.close()
    await close()
  })

  it('charges each call once, even if connections are cut at any moment', {
    timeout: 60_000,
  }, async () => {
    const { database, close } = openDatabase({ kind: 'postgres', at: server.url })
    const stores = await openSql(database, { flushMs: 1 })
    const cap = makeCap(1e12)
    const random = seeded(5)
    let spent = 0
    const call = async (): Promise<void> => {
      const reservation = makeReservation(100, [cap])
      // The call is charged whether the reservation was made or not.
      await Promise.resolve(stores.ledger.reserve(reservation)).catch(() => undefined)
      const cost = Math.floor(random() * 200)
      spent += cost
      void stores.ledger.settle(reservation, cost)
      stores.usage.write(makeRecord({ callerId: cap.account, costNanos: cost }))
    }
    const cutting = setInterval(() => void cutConnections(server), 40)
    for (let round = 0; round < 60; round++) await Promise.all(Array.from({ length: 10 }, call))
    clearInterval(cutting)
    await expect.poll(() => stores.usage.flush().then(() => 'written', String), { timeout: 20_000 }).toBe('written')
    expect(await stores.ledger.balance(cap.account, cap.period)).toEqual({ spent, held: 0 })
    expect((await stores.usage.sums('day', { callerId: cap.account }))[0]).toMatchObject({
      calls: 600,
      costNanos: spent,
    })
    await stores.close()
    await close()
  })
})

async function cutConnections(server: PostgresServer): Promise<void> {
  const { database, close } = openDatabase({ kind: 'postgres', at: server.url })
  const others = "pid <> pg_backend_pid() AND backend_type = 'client backend'"
  if (!('query' in database)) return
  database.on('connect', (client) => void client.on('error', () => {}))
  await database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${others}`).catch(() => undefined)
  await close()
}

async function makeDatabase(server: PostgresServer, name: string): Promise<Place> {
  const { database, close } = openDatabase({ kind: 'postgres', at: server.url })
  if ('query' in database) await database.query(`CREATE DATABASE ${name}`)
  await close()
  return { kind: 'postgres', at: server.url.replace(/postgres$/, name) }
}
