import type { Database, TransactionSteps } from './database.js'
import { functions } from './postgres-functions.js'
import { tables } from './tables.js'

type Dialect = Database['dialect']

/**
 * All changes to the tables, in order. A released migration never changes: later changes are migrations of their own.
 */
const migrations: readonly Readonly<Record<Dialect, readonly string[]>>[] = [
  { sqlite: tables.sqlite, postgres: [...tables.postgres, ...functions] },
]

/** Makes other processes that migrate wait. In SQLite the transaction itself does that. */
const lockStatements: Readonly<Record<Dialect, string>> = {
  sqlite: 'SELECT 1',
  postgres: 'SELECT pg_advisory_xact_lock(6040916230171)',
}

/** Runs the migrations that the database does not have yet. Several processes may do so at the same time. */
export function migrate(database: Database): Promise<void> {
  return database.transaction(() => missingMigrations(database.dialect))
}

function* missingMigrations(dialect: Dialect): TransactionSteps<void> {
  yield { sql: lockStatements[dialect] }
  yield { sql: 'CREATE TABLE IF NOT EXISTS modelmount_migrations (number BIGINT NOT NULL PRIMARY KEY)' }
  const rows = yield { sql: 'SELECT number FROM modelmount_migrations' }
  const done = new Set(rows.map(({ number }) => Number(number)))
  for (const [index, statements] of migrations.entries()) {
    const number = index + 1
    if (done.has(number)) continue
    for (const sql of statements[dialect]) yield { sql }
    yield { sql: 'INSERT INTO modelmount_migrations (number) VALUES ($1)', values: [number] }
  }
}
