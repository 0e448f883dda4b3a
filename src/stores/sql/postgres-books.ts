import type { Reservation, SpendingCap } from '../ledger.js'
import { type Books, cellOf, type Holder, type NumberedRecord, type Settlement } from './books.js'
import { type Database, numberOf, type Statement, type Steps, type Value } from './database.js'
import { columns } from './usage-columns.js'

const RESERVE = 'SELECT modelmount_reserve($1, $2, $3, $4, $5, $6, $7) AS refused'
const SETTLE = 'SELECT modelmount_settle($1, $2, $3, $4, $5)'

const names = columns.map(({ name }) => name).join(', ')
const arrays = columns.map(({ array }, index) => `$${index + 3}::${array}[]`).join(', ')
/** One array a column: however many records, the parameters stay few. */
const INSERT = `INSERT INTO modelmount_usage (writer, number, ${names})
  SELECT $1, given.* FROM unnest($2::bigint[], ${arrays}) AS given
  ON CONFLICT (writer, number) DO NOTHING`

/** PostgreSQL: a step is one way there and back, and the server's clock is everybody's. */
export function postgresBooks(database: Database): Books {
  return {
    now: 'modelmount_now()',
    reserve: (hold, holder) => reserve(database, hold, holder),
    settle,
    insert,
    sweep: () => database.run({ sql: 'SELECT modelmount_sweep()' }),
  }
}

async function reserve(
  database: Database,
  hold: Reservation,
  { process, leaseMs }: Holder,
): Promise<SpendingCap | undefined> {
  const { id, nanos, caps } = hold
  const accounts = caps.map(({ account }) => account)
  const periods = caps.map(({ period }) => period)
  const limits = caps.map((credit) => credit.nanos)
  const values = [id, nanos, process, leaseMs, accounts, periods, limits]
  const place = numberOf(cellOf(await database.run({ sql: RESERVE, values }), 'refused'))
  return caps[place - 1]
}

function* settle(settlements: readonly Settlement[], process: string): Steps<void> {
  const items = settlements.flatMap(({ hold, nanos = null }) =>
    hold.caps.map(({ account, period }) => ({ id: hold.id, account, period, nanos })),
  )
  if (items.length === 0) return
  const ids = items.map(({ id }) => id)
  const accounts = items.map(({ account }) => account)
  const periods = items.map(({ period }) => period)
  yield { sql: SETTLE, values: [process, ids, accounts, periods, items.map(({ nanos }) => nanos)] }
}

function* insert(records: readonly NumberedRecord[], process: string): Generator<Statement> {
  if (records.length === 0) return
  const numbers = records.map(({ number }) => number)
  const inColumns = columns.map((_, index) => records.map(({ values }) => values[index] as Value))
  yield { sql: INSERT, values: [process, numbers, ...inColumns] }
}
