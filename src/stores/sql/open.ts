import type { LedgerStore } from '../ledger.js'
import type { UsageStore } from '../usage.js'
import type { Database, SqlDatabase, TransactionSteps } from './database.js'
import { SqlLedger } from './ledger.js'
import { migrate } from './migrations.js'
import { isSettlement, type NumberedRecord, type QueuedWrite, type SqlOperations } from './operations.js'
import { openPostgres } from './postgres.js'
import { postgresOperations } from './postgres-operations.js'
import { ProcessLease } from './process-lease.js'
import { openSqlite } from './sqlite.js'
import { sqliteOperations } from './sqlite-operations.js'
import { SqlUsage } from './usage.js'
import { type WriteFailure, WriteQueue } from './write-queue.js'

export interface SqlOptions {
  /** Called for every write that fails, and for writes that are lost. */
  readonly onWriteFailure?: ((failure: WriteFailure) => void) | undefined
  /** A process counts as dead when it has given no sign of life for this long. Default: 15,000. */
  readonly leaseMs?: number | undefined
  /** How often the relay looks for reservations of dead processes. Default: 60,000. */
  readonly sweepMs?: number | undefined
  /** How long the first write of a batch waits for others. Default: 20. */
  readonly flushMs?: number | undefined
  /** How many settlements and records may wait for the database. Default: 100,000. */
  readonly maxQueued?: number | undefined
}

/** The stores of one database. */
export interface SqlStores {
  readonly ledger: LedgerStore
  readonly usage: UsageStore
  /** Writes everything that is queued, and stops. The database stays open, because it is the host's. */
  close(): Promise<void>
}

const createOperations: Readonly<Record<Database['dialect'], (database: Database) => SqlOperations>> = {
  sqlite: sqliteOperations,
  postgres: postgresOperations,
}

/** How long the database remembers ended reservations and dead processes. */
const RETENTION_MS = 24 * 3_600_000

/** Opens the stores in SQLite or PostgreSQL, and creates or migrates their tables. */
export async function openSql(client: SqlDatabase, options: SqlOptions = {}): Promise<SqlStores> {
  const { onWriteFailure = () => {}, leaseMs = 15_000, sweepMs = 60_000, flushMs = 20, maxQueued = 100_000 } = options
  const database = await adaptDatabase(client)
  await migrate(database)
  const operations = createOperations[database.dialect](database)
  const lease = new ProcessLease(database, operations, leaseMs)
  const write = (writes: readonly QueuedWrite[]): Promise<void> =>
    database.transaction(() => writeBatch(operations, writes, lease.processId))
  const queue = new WriteQueue<QueuedWrite>(write, { flushMs, maxQueued, onWriteFailure })
  await sweep(database, operations)
  const sweepTimer = setInterval(() => {
    sweep(database, operations).catch((error: unknown) => onWriteFailure({ error, lostCount: 0 }))
  }, sweepMs).unref()
  return {
    ledger: new SqlLedger({ database, operations, queue, lease }),
    usage: new SqlUsage(database, queue),
    async close() {
      clearInterval(sweepTimer)
      await queue.close()
      lease.stop()
    },
  }
}

/** Recognises the kind of database by its methods. */
async function adaptDatabase(client: SqlDatabase): Promise<Database> {
  if ('prepare' in client && typeof client.prepare === 'function') return openSqlite(client)
  if ('connect' in client && typeof client.connect === 'function') return openPostgres(client)
  throw new TypeError('expected an SQLite database (exec, prepare) or a PostgreSQL pool (query, connect)')
}

function* writeBatch(
  operations: SqlOperations,
  writes: readonly QueuedWrite[],
  processId: string,
): TransactionSteps<void> {
  yield* operations.settle(writes.filter(isSettlement), processId)
  const records = writes.filter((write): write is NumberedRecord => !isSettlement(write))
  for (const statement of operations.insertRecords(records, processId)) yield statement
}

async function sweep(database: Database, operations: SqlOperations): Promise<void> {
  await operations.sweep()
  const values = [RETENTION_MS]
  const oldest = `${operations.nowSql} - $1`
  await database.run({ sql: `DELETE FROM modelmount_holds WHERE status <> 'held' AND time_ms < ${oldest}`, values })
  await database.run({ sql: `DELETE FROM modelmount_processes WHERE expires_ms < ${oldest}`, values })
}
