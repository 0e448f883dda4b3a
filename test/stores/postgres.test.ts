import { expect, it } from 'vitest'
import { openSql } from '../../src/stores/sql/open.js'
import type { SqlTrouble } from '../../src/stores/sql/queue.js'
import { describeWithPostgres, type PostgresServer } from '../postgres-server.js'
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
})

async function makeDatabase(server: PostgresServer, name: string): Promise<Place> {
  const { database, close } = openDatabase({ kind: 'postgres', at: server.url })
  if ('query' in database) await database.query(`CREATE DATABASE ${name}`)
  await close()
  return { kind: 'postgres', at: server.url.replace(/postgres$/, name) }
}
