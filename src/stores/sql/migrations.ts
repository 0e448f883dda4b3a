import type { Database, Steps } from './database.js'
import { functions } from './postgres-functions.js'
import { columns } from './usage-columns.js'

type Dialect = Database['dialect']

/**
 * What has been done to the tables, in order. One that has been published is never changed: another follows it. `hot` is
 * for rows that change at every call: PostgreSQL then finds room for the new one beside the old.
 */
const migrations: readonly ((dialect: Dialect) => readonly string[])[] = [
  (dialect) => [
    `CREATE TABLE modelmount_accounts (
      account TEXT NOT NULL,
      period TEXT NOT NULL,
      spent BIGINT NOT NULL DEFAULT 0,
      held BIGINT NOT NULL DEFAULT 0,
      PRIMARY KEY (account, period)
    ) ${hot[dialect]}`,
    `CREATE TABLE modelmount_holds (
      id TEXT NOT NULL,
      account TEXT NOT NULL,
      period TEXT NOT NULL,
      nanos BIGINT NOT NULL,
      process TEXT NOT NULL,
      status TEXT NOT NULL,
      time_ms BIGINT NOT NULL,
      PRIMARY KEY (id, account, period)
    )`,
    `CREATE INDEX modelmount_holds_open ON modelmount_holds (process) WHERE status = 'held'`,
    'CREATE INDEX modelmount_holds_time ON modelmount_holds (time_ms)',
    'CREATE TABLE modelmount_processes (id TEXT NOT NULL PRIMARY KEY, expires_ms BIGINT NOT NULL)',
    `CREATE TABLE modelmount_usage (
      writer TEXT NOT NULL,
      number BIGINT NOT NULL,
      ${columns.map(({ name, type }) => `${name} ${type}`).join(',\n      ')},
      PRIMARY KEY (writer, number)
    )`,
    'CREATE INDEX modelmount_usage_time ON modelmount_usage (time_ms)',
    'CREATE INDEX modelmount_usage_caller ON modelmount_usage (caller_id, time_ms)',
    'CREATE INDEX modelmount_usage_model ON modelmount_usage (model, time_ms)',
    ...(dialect === 'postgres' ? functions : []),
  ],
]

const hot: Readonly<Record<Dialect, string>> = { sqlite: '', postgres: 'WITH (fillfactor = 50)' }

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
  for (const [index, statementsOf] of migrations.entries()) {
    const number = index + 1
    if (done.has(number)) continue
    for (const sql of statementsOf(dialect)) yield { sql }
    yield { sql: 'INSERT INTO modelmount_migrations (number) VALUES ($1)', values: [number] }
  }
}
