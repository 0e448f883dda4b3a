import type { LedgerStore } from '../ledger.js'
import type { UsageStore } from '../usage.js'
import type { Books, Entry } from './books.js'
import { type Database, databaseOf, type SqlDatabase, type Steps } from './database.js'
import { Lease } from './lease.js'
import { SqlLedger } from './ledger.js'
import { migrate } from './migrations.js'
import { postgresBooks } from './postgres-books.js'
import { Queue, type SqlTrouble } from './queue.js'
import { sqliteBooks } from './sqlite-books.js'
import { SqlUsage } from './usage.js'

/** What a host may set; each left out for what is in brackets. */
export interface SqlOptions {
  /** Is told of every write that fails, and of what is given up. */
  readonly onTrouble?: ((trouble: SqlTrouble) => void) | undefined
  /** How long holds last after the last sign of their process. [15,000] */
  readonly leaseMs?: number | undefined
  /** How often holds of dead processes are looked for. [60,000] */
  readonly sweepMs?: number | undefined
  /** How long the first of a batch waits for others. [20] */
  readonly flushMs?: number | undefined
  /** How many settlements and records may wait while the database is away. [100,000] */
  readonly mostQueued?: number | undefined
}

/** Both stores of one database. */
export interface SqlStores {
  readonly ledger: LedgerStore
  readonly usage: UsageStore
  /** Writes all that waits, and stops. The database stays open: it is the host's. */
  close(): Promise<void>
}

const booksOf: Readonly<Record<Database['dialect'], (database: Database) => Books>> = {
  sqlite: sqliteBooks,
  postgres: postgresBooks,
}

/** How long the id of a hold that has ended is known. A process that died is forgotten as late. */
const REMEMBERED_MS = 24 * 3_600_000

/** Stores in SQLite (`node:sqlite`, better-sqlite3, libsql) or PostgreSQL (pg). Makes its tables itself. */
export async function openSql(given: SqlDatabase, options: SqlOptions = {}): Promise<SqlStores> {
  const { onTrouble = () => {}, leaseMs = 15_000, sweepMs = 60_000, flushMs = 20, mostQueued = 100_000 } = options
  const database = await databaseOf(given)
  await migrate(database)
  const books = booksOf[database.dialect](database)
  const lease = new Lease(database, books, leaseMs)
  const write = (entries: readonly Entry[]): Promise<void> =>
    database.transaction(() => enter(books, entries, lease.process))
  const queue = new Queue<Entry>(write, { flushMs, mostQueued, onTrouble })
  await sweep(database, books)
  const sweeping = setInterval(() => {
    sweep(database, books).catch((error: unknown) => onTrouble({ error, lost: 0 }))
  }, sweepMs).unref()
  return {
    ledger: new SqlLedger({ database, books, queue, lease }),
    usage: new SqlUsage(database, queue),
    async close() {
      clearInterval(sweeping)
      await queue.close()
      lease.stop()
    },
  }
}

function* enter(books: Books, entries: readonly Entry[], process: string): Steps<void> {
  yield* books.settle(
    entries.filter((entry) => 'hold' in entry),
    process,
  )
  for (const statement of books.insert(
    entries.filter((entry) => 'values' in entry),
    process,
  )) {
    yield statement
  }
}

async function sweep(database: Database, books: Books): Promise<void> {
  await books.sweep()
  const values = [REMEMBERED_MS]
  const past = `${books.now} - $1`
  await database.run({ sql: `DELETE FROM modelmount_holds WHERE status <> 'held' AND time_ms < ${past}`, values })
  await database.run({ sql: `DELETE FROM modelmount_processes WHERE expires_ms < ${past}`, values })
}
