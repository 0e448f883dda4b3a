/** The balance of each account in each period. */
const accounts = `
CREATE TABLE modelmount_accounts (
  account TEXT NOT NULL,
  period TEXT NOT NULL,
  spent BIGINT NOT NULL DEFAULT 0,
  held BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (account, period)
)`

/** One row for each cap of a reservation. It stays for a day after the end, so that a reservation ends only once. */
const holds = `
CREATE TABLE modelmount_holds (
  id TEXT NOT NULL,
  account TEXT NOT NULL,
  period TEXT NOT NULL,
  nanos BIGINT NOT NULL,
  process TEXT NOT NULL,
  status TEXT NOT NULL,
  time_ms BIGINT NOT NULL,
  PRIMARY KEY (id, account, period)
)`

/** When the lease of each process expires. */
const processes = 'CREATE TABLE modelmount_processes (id TEXT NOT NULL PRIMARY KEY, expires_ms BIGINT NOT NULL)'

/** `writer` and `number` make a record unique. The other columns are those of `columns` in usage-columns.ts. */
const usage = `
CREATE TABLE modelmount_usage (
  writer TEXT NOT NULL,
  number BIGINT NOT NULL,
  time_ms BIGINT NOT NULL,
  request_id TEXT NOT NULL,
  caller_id TEXT NOT NULL,
  caller_group TEXT NOT NULL,
  tags TEXT NOT NULL,
  operation TEXT NOT NULL,
  protocol TEXT NOT NULL,
  model TEXT NOT NULL,
  stream BIGINT NOT NULL,
  target TEXT,
  attempts TEXT NOT NULL,
  status BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  input_tokens BIGINT,
  cached_input_tokens BIGINT,
  output_tokens BIGINT,
  reasoning_tokens BIGINT,
  estimated BIGINT NOT NULL,
  cost_nanos BIGINT,
  multiplier DOUBLE PRECISION NOT NULL,
  cache TEXT,
  losses TEXT NOT NULL,
  first_output_ms DOUBLE PRECISION,
  total_ms DOUBLE PRECISION NOT NULL,
  error TEXT,
  PRIMARY KEY (writer, number)
)`

const indexes = [
  "CREATE INDEX modelmount_holds_open ON modelmount_holds (process) WHERE status = 'held'",
  "CREATE INDEX modelmount_holds_ended ON modelmount_holds (time_ms) WHERE status <> 'held'",
  'CREATE INDEX modelmount_usage_time ON modelmount_usage (time_ms)',
  'CREATE INDEX modelmount_usage_caller ON modelmount_usage (caller_id, time_ms)',
  'CREATE INDEX modelmount_usage_model ON modelmount_usage (model, time_ms)',
]

const ledgerTables = [accounts, holds, processes]

/**
 * The tables of the first migration. They never change: see migrations.ts. `WITHOUT ROWID` saves SQLite a second B-tree
 * for each table. A low fill factor leaves PostgreSQL room for the accounts, which every call updates.
 */
export const tables: Readonly<Record<'sqlite' | 'postgres', readonly string[]>> = {
  sqlite: [...ledgerTables.map((table) => `${table} WITHOUT ROWID`), usage, ...indexes],
  postgres: [...ledgerTables, usage, ...indexes, 'ALTER TABLE modelmount_accounts SET (fillfactor = 50)'],
}
