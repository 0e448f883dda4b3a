/** A value of a parameter. Only PostgreSQL takes arrays. */
export type SqlValue = string | number | null | readonly SqlValue[]

/** A row, as a driver gives it. Integers may be numbers, text or bigint: see {@link toNumber}. */
export type SqlRow = Readonly<Record<string, unknown>>

/** The part that the relay uses of `DatabaseSync` of `node:sqlite`, and of `Database` of better-sqlite3 and libsql. */
export interface SqliteHandle {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
}

/** A prepared statement of such a database. */
export interface SqliteStatement {
  run(...values: (string | number | null)[]): unknown
  all(...values: (string | number | null)[]): unknown[]
}

/** What a `Pool` of pg and its clients have in common. */
export interface PostgresQueries {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: unknown[] }>
}

/** A client from a {@link PostgresPool}. */
export interface PostgresClient extends PostgresQueries {
  on(event: 'error', listener: () => void): unknown
  off(event: 'error', listener: () => void): unknown
  /** @param destroy closes the connection, so that it is not used again */
  release(destroy?: boolean): void
}

/** The part of a `Pool` of pg that the relay uses. */
export interface PostgresPool extends PostgresQueries {
  on(event: 'connect', listener: (client: PostgresClient) => void): unknown
  on(event: 'error', listener: () => void): unknown
  connect(): Promise<PostgresClient>
}

/** A database of the host. The relay does not close it. */
export type SqlDatabase = SqliteHandle | PostgresPool

/** A statement with `$1`, `$2` … for its values. */
export interface SqlStatement {
  readonly sql: string
  readonly values?: readonly SqlValue[]
}

/**
 * The statements of a transaction, as a generator: it yields a statement, and receives its rows. SQLite runs them
 * without a pause, so that no other statement on the same handle comes between them.
 */
export type TransactionSteps<Result> = Generator<SqlStatement, Result, readonly SqlRow[]>

/** One interface for SQLite and PostgreSQL. */
export interface Database {
  readonly dialect: 'sqlite' | 'postgres'
  run(statement: SqlStatement): Promise<readonly SqlRow[]>
  /** Runs all steps or none. In SQLite no other process writes meanwhile. */
  transaction<Result>(begin: () => TransactionSteps<Result>): Promise<Result>
}

/** Drivers give an integer as a number, text or bigint. */
export function toNumber(value: unknown): number {
  return Number(value)
}
