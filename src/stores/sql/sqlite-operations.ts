import type { Reservation, SpendingCap } from '../ledger.js'
import { type Database, type SqlStatement, type TransactionSteps, toNumber } from './database.js'
import { firstCell, type LeaseHolder, type NumberedRecord, type Settlement, type SqlOperations } from './operations.js'
import { columns, toSqlInteger } from './usage-columns.js'

/** All processes are on one machine, so its clock is the shared one. Old versions of SQLite have `julianday` too. */
const NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

const ADD_TO_ACCOUNT = `INSERT INTO modelmount_accounts (account, period, spent, held) VALUES ($1, $2, $3, $4)
  ON CONFLICT (account, period) DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held`
const SET_HOLD = `INSERT INTO modelmount_holds (id, account, period, nanos, process, status, time_ms)
  VALUES ($1, $2, $3, $4, $5, $6, ${NOW})
  ON CONFLICT (id, account, period) DO UPDATE
    SET nanos = excluded.nanos, process = excluded.process, status = excluded.status, time_ms = excluded.time_ms`
const RENEW_LEASE = `INSERT INTO modelmount_processes (id, expires_ms) VALUES ($1, ${NOW} + $2)
  ON CONFLICT (id) DO UPDATE SET expires_ms = excluded.expires_ms`
const FIND_RESERVATION = "SELECT 1 FROM modelmount_holds WHERE id = $1 AND status <> 'swept' LIMIT 1"
const SELECT_HOLD = 'SELECT nanos, status FROM modelmount_holds WHERE id = $1 AND account = $2 AND period = $3'
/** As text, because some drivers throw for integers beyond JavaScript's safe ones. */
const SELECT_USED = `SELECT CAST(spent + held AS TEXT) AS used FROM modelmount_accounts
  WHERE account = $1 AND period = $2`
const SELECT_EXPIRED = `SELECT id, account, period, nanos FROM modelmount_holds
  WHERE status = 'held' AND process NOT IN (SELECT id FROM modelmount_processes WHERE expires_ms > $1)`

const columnNames = ['writer', 'number', ...columns.map(({ name }) => name)]
const INSERT_RECORD = `INSERT INTO modelmount_usage (${columnNames.join(', ')})
  VALUES (${columnNames.map((_, index) => `$${index + 1}`).join(', ')})
  ON CONFLICT (writer, number) DO NOTHING`

/** SQLite has one writer at a time, and each statement costs little, so the operations are plain statements. */
export function sqliteOperations(database: Database): SqlOperations {
  return {
    nowSql: NOW,
    reserve: (reservation, holder) => database.transaction(() => reserve(reservation, holder)),
    settle,
    insertRecords,
    sweep: () => database.transaction(sweep),
  }
}

function* reserve(
  { id, caps, amountNanos }: Reservation,
  { processId, leaseMs }: LeaseHolder,
): TransactionSteps<SpendingCap | undefined> {
  if (leaseMs > 0) yield { sql: RENEW_LEASE, values: [processId, leaseMs] }
  if ((yield { sql: FIND_RESERVATION, values: [id] }).length > 0) return undefined
  for (const cap of caps) {
    const used = firstCell(yield { sql: SELECT_USED, values: [cap.account, cap.period] }, 'used') ?? 0
    if (toNumber(used) + amountNanos > cap.limitNanos) return cap
  }
  for (const { account, period } of caps) {
    yield { sql: ADD_TO_ACCOUNT, values: [account, period, 0, amountNanos] }
    yield { sql: SET_HOLD, values: [id, account, period, amountNanos, processId, 'held'] }
  }
  return undefined
}

function* settle(settlements: readonly Settlement[], processId: string): TransactionSteps<void> {
  for (const { reservation, costNanos } of settlements) {
    for (const cap of reservation.caps) yield* settleCap(reservation.id, cap, costNanos, processId)
  }
}

function* settleCap(
  id: string,
  { account, period }: SpendingCap,
  costNanos: number | undefined,
  processId: string,
): TransactionSteps<void> {
  const [hold] = yield { sql: SELECT_HOLD, values: [id, account, period] }
  const isHeld = hold?.status === 'held'
  if (hold?.status === 'settled' || (costNanos === undefined && !isHeld)) return
  yield { sql: ADD_TO_ACCOUNT, values: [account, period, costNanos ?? 0, isHeld ? -toNumber(hold.nanos) : 0] }
  const status = costNanos === undefined ? 'swept' : 'settled'
  yield { sql: SET_HOLD, values: [id, account, period, 0, processId, status] }
}

function* insertRecords(records: readonly NumberedRecord[], processId: string): Generator<SqlStatement> {
  for (const { number, values } of records) yield { sql: INSERT_RECORD, values: [processId, number, ...values] }
}

function* sweep(): TransactionSteps<void> {
  const now = toSqlInteger(toNumber(firstCell(yield { sql: `SELECT ${NOW} AS now` }, 'now')))
  const expired = yield { sql: SELECT_EXPIRED, values: [now] }
  for (const { id, account, period, nanos } of expired) {
    const key = [String(account), String(period)]
    yield { sql: ADD_TO_ACCOUNT, values: [...key, 0, -toNumber(nanos)] }
    yield { sql: SET_HOLD, values: [String(id), ...key, 0, '', 'swept'] }
  }
}
