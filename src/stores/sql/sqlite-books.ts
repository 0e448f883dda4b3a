import type { Reservation, SpendingCap } from '../ledger.js'
import { type Books, cellOf, type Holder, type NumberedRecord, type Settlement } from './books.js'
import { type Database, numberOf, type Statement, type Steps } from './database.js'
import { columns, wholeOf } from './usage-columns.js'

/** One machine has one clock. The driver's own functions for it are as old as its SQLite: this one all have. */
const NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

const ADD = `INSERT INTO modelmount_accounts (account, period, spent, held) VALUES ($1, $2, $3, $4)
  ON CONFLICT (account, period) DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held`
const MARK = `INSERT INTO modelmount_holds (id, account, period, nanos, process, status, time_ms)
  VALUES ($1, $2, $3, $4, $5, $6, ${NOW})
  ON CONFLICT (id, account, period) DO UPDATE
    SET nanos = excluded.nanos, process = excluded.process, status = excluded.status, time_ms = excluded.time_ms`
const RENEW = `INSERT INTO modelmount_processes (id, expires_ms) VALUES ($1, ${NOW} + $2)
  ON CONFLICT (id) DO UPDATE SET expires_ms = excluded.expires_ms`
const KNOWN = "SELECT 1 FROM modelmount_holds WHERE id = $1 AND status <> 'swept' LIMIT 1"
const HELD = 'SELECT nanos, status FROM modelmount_holds WHERE id = $1 AND account = $2 AND period = $3'
/** As text: a driver may balk at what is beyond JavaScript's whole numbers. */
const USED = `SELECT CAST(spent + held AS TEXT) AS used FROM modelmount_accounts WHERE account = $1 AND period = $2`

const names = ['writer', 'number', ...columns.map(({ name }) => name)]
const INSERT = `INSERT INTO modelmount_usage (${names.join(', ')})
  VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})
  ON CONFLICT (writer, number) DO NOTHING`

const LAPSED = `status = 'held' AND process NOT IN (SELECT id FROM modelmount_processes WHERE expires_ms > $1)`

/** SQLite: one writer at a time, and statements that cost little each. */
export function sqliteBooks(database: Database): Books {
  return {
    now: NOW,
    reserve: (hold, holder) => database.transaction(() => reserve(hold, holder)),
    settle,
    insert,
    sweep: () => database.transaction(sweep),
  }
}

function* reserve(hold: Reservation, { process, leaseMs }: Holder): Steps<SpendingCap | undefined> {
  if (leaseMs > 0) yield { sql: RENEW, values: [process, leaseMs] }
  if ((yield { sql: KNOWN, values: [hold.id] }).length > 0) return undefined
  for (const credit of hold.caps) {
    const used = cellOf(yield { sql: USED, values: [credit.account, credit.period] }, 'used') ?? 0
    if (numberOf(used) + hold.nanos > credit.nanos) return credit
  }
  for (const { account, period } of hold.caps) {
    yield { sql: ADD, values: [account, period, 0, hold.nanos] }
    yield { sql: MARK, values: [hold.id, account, period, hold.nanos, process, 'held'] }
  }
  return undefined
}

function* settle(settlements: readonly Settlement[], process: string): Steps<void> {
  for (const { hold, nanos } of settlements) {
    for (const credit of hold.caps) yield* settleOne(hold.id, credit, nanos, process)
  }
}

function* settleOne(
  id: string,
  { account, period }: SpendingCap,
  nanos: number | undefined,
  process: string,
): Steps<void> {
  const [held] = yield { sql: HELD, values: [id, account, period] }
  const isHeld = held?.status === 'held'
  if (held?.status === 'settled' || (nanos === undefined && !isHeld)) return
  yield { sql: ADD, values: [account, period, nanos ?? 0, isHeld ? -numberOf(held.nanos) : 0] }
  yield { sql: MARK, values: [id, account, period, 0, process, nanos === undefined ? 'swept' : 'settled'] }
}

function* insert(records: readonly NumberedRecord[], process: string): Generator<Statement> {
  for (const { number, values } of records) yield { sql: INSERT, values: [process, number, ...values] }
}

function* sweep(): Steps<void> {
  const now = wholeOf(numberOf(cellOf(yield { sql: `SELECT ${NOW} AS now` }, 'now')))
  const lapsed = yield { sql: `SELECT id, account, period, nanos FROM modelmount_holds WHERE ${LAPSED}`, values: [now] }
  for (const { id, account, period, nanos } of lapsed) {
    const key = [String(account), String(period)]
    yield { sql: ADD, values: [...key, 0, -numberOf(nanos)] }
    yield { sql: MARK, values: [String(id), ...key, 0, '', 'swept'] }
  }
}
