import type { Reservation, SpendingCap } from '../ledger.js'
import { type Database, type SqlStatement, type SqlValue, type TransactionSteps, toNumber } from './database.js'
import { firstCell, type LeaseHolder, type NumberedRecord, type Settlement, type SqlOperations } from './operations.js'
import { columns } from './usage-columns.js'

const RESERVE = 'SELECT modelmount_reserve($1, $2, $3, $4, $5, $6, $7) AS refused'
const SETTLE = 'SELECT modelmount_settle($1, $2, $3, $4, $5)'

const columnNames = columns.map(({ name }) => name).join(', ')
const columnArrays = columns.map(({ array }, index) => `$${index + 3}::${array}[]`).join(', ')
/** One array for each column, so that the number of parameters does not depend on the number of records. */
const INSERT_RECORDS = `INSERT INTO modelmount_usage (writer, number, ${columnNames})
  SELECT $1, given.* FROM unnest($2::bigint[], ${columnArrays}) AS given
  ON CONFLICT (writer, number) DO NOTHING`

/** In PostgreSQL an operation is one round trip to a function of the server, whose clock all processes share. */
export function postgresOperations(database: Database): SqlOperations {
  return {
    nowSql: 'modelmount_now()',
    reserve: (reservation, holder) => reserve(database, reservation, holder),
    settle,
    insertRecords,
    sweep: () => database.run({ sql: 'SELECT modelmount_sweep()' }),
  }
}

async function reserve(
  database: Database,
  { id, amountNanos, caps }: Reservation,
  { processId, leaseMs }: LeaseHolder,
): Promise<SpendingCap | undefined> {
  const accounts = caps.map(({ account }) => account)
  const periods = caps.map(({ period }) => period)
  const limits = caps.map(({ limitNanos }) => limitNanos)
  const values = [id, amountNanos, processId, leaseMs, accounts, periods, limits]
  const capNumber = toNumber(firstCell(await database.run({ sql: RESERVE, values }), 'refused'))
  return caps[capNumber - 1]
}

function* settle(settlements: readonly Settlement[], processId: string): TransactionSteps<void> {
  const items = settlements.flatMap(({ reservation, costNanos = null }) =>
    reservation.caps.map(({ account, period }) => ({ id: reservation.id, account, period, costNanos })),
  )
  if (items.length === 0) return
  const ids = items.map(({ id }) => id)
  const accounts = items.map(({ account }) => account)
  const periods = items.map(({ period }) => period)
  const costs = items.map(({ costNanos }) => costNanos)
  yield { sql: SETTLE, values: [processId, ids, accounts, periods, costs] }
}

function* insertRecords(records: readonly NumberedRecord[], processId: string): Generator<SqlStatement> {
  if (records.length === 0) return
  const numbers = records.map(({ number }) => number)
  const valuesByColumn = columns.map((_, index) => records.map(({ values }) => values[index] as SqlValue))
  yield { sql: INSERT_RECORDS, values: [processId, numbers, ...valuesByColumn] }
}
