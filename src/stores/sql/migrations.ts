import type { Database, Steps } from './database.js'
import { functions } from './postgres-functions.js'
import { tables } from './tables.js'

type Dialect = Database['dialect']

/** What has been done to the tables, in order. One that has been published is never changed: another follows it. */
const migrations: readonly Readonly<Record<Dialect, readonly string[]>>[] = [
  { sqlite: tables.sqlite, postgres: [...tables.postgres, ...functions] },
]

/** Whoever else migrates waits for it, whatever else is locked. On SQLite the transaction itself does that. */
const locks: Readonly<Record<Dialect, string>> = {
  sqlite: 'SELECT 1',
  postgres: 'SELECT pg_advisory_xact_lock(6040916230171)',
}

/** Brings the tables to what this version needs: safe however many processes do so at once. */
export function migrate(database: Database): Promise<void> {
  return database.transaction(() => missingSteps(database.dialect))
}

function* missingSteps(dialect: Dialect): Steps<void> {
  yield { sql: locks[dialect] }
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
