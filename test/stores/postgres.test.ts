import { expect, it } from 'vitest'
import { openSql } from '../../src/stores/sql/open.js'
import type { SqlTrouble } from '../../src/stores/sql/queue.js'
import { describeWithPostgres, type PostgresServer } from '../postgres-server.js'
import { seeded } from '../random.js'
import { openDatabase, type Place } from './drivers.js'
import { makeCredit, makeHold } from './ledger.suite.js'
import { sqlSuite } from './sql.suite.js'
import { makeRecord } from './usage.suite.js'

describeWithPostgres('PostgreSQL', (server) => {
  let databases = 0
  sqlSuite(
    'PostgreSQL',
    () => ({ kind: 'postgres', at: server.url }),
    async () => makeDatabase(server, `fresh${databases++}`),
  )

  it('keeps what was settled while the server was away, and writes it once', { timeout: 60_000 }, async () => {
    const troubles: SqlTrouble[] = []
    const { database, close } = openDatabase({ kind: 'postgres', at: server.url })
    const stores = await openSql(database, { onTrouble: (trouble) => troubles.push(trouble) })
    const credit = makeCredit(1000)
    const holds = [makeHold(100, [credit]), makeHold(100, [credit]), makeHold(100, [credit])]
    for (const hold of holds) await stores.ledger.reserve(hold)
    await server.stop()
    for (const hold of holds) {
      void stores.ledger.settle(hold, 70)
      stores.usage.write(makeRecord({ callerId: credit.account, costNanos: 70 }))
    }
    await expect(stores.usage.flush()).rejects.toThrow()
    await expect(stores.ledger.reserve(makeHold(1, [credit]))).rejects.toThrow()
    await server.start()
    await expect.poll(() => stores.usage.query({ callerId: credit.account }), { timeout: 10_000 }).toHaveLength(3)
    expect(await stores.ledger.balance(credit.account, credit.period)).toEqual({ spent: 210, held: 0 })
    expect(troubles.length).toBeGreaterThan(0)
    expect(troubles.every(({ lost }) => lost === 0)).toBe(true)
    await stores.close()
    await close()
  })

  it('charges each call once, though connections are cut in the middle of everything', {
    timeout: 60_000,
  }, async () => {
    const { database, close } = openDatabase({ kind: 'postgres', at: server.url })
    const stores = await openSql(database, { flushMs: 1 })
    const credit = makeCredit(1e12)
    const random = seeded(5)
    let spent = 0
    const call = async (): Promise<void> => {
      const hold = makeHold(100, [credit])
      // Whether it was taken or not: the call is charged.
      await Promise.resolve(stores.ledger.reserve(hold)).catch(() => undefined)
      const cost = Math.floor(random() * 200)
      spent += cost
      void stores.ledger.settle(hold, cost)
      stores.usage.write(makeRecord({ callerId: credit.account, costNanos: cost }))
    }
    const cutting = setInterval(() => void cutConnections(server), 40)
    for (let round = 0; round < 60; round++) await Promise.all(Array.from({ length: 10 }, call))
    clearInterval(cutting)
    await expect.poll(() => stores.usage.flush().then(() => 'written', String), { timeout: 20_000 }).toBe('written')
    expect(await stores.ledger.balance(credit.account, credit.period)).toEqual({ spent, held: 0 })
    expect((await stores.usage.sums('day', { callerId: credit.account }))[0]).toMatchObject({
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
