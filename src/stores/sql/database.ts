import { openPostgres } from './postgres.js'
import { openSqlite } from './sqlite.js'

/** What may be bound to a parameter. Arrays are PostgreSQL's. */
export type Value = string | number | null | readonly Value[]

/** A row as a driver gives it; whole numbers are numbers, text or bigint, see {@link numberOf}. */
export type Row = Readonly<Record<string, unknown>>

/** `node:sqlite`'s DatabaseSync, better-sqlite3's or libsql's Database: as much of them as is used. */
export interface SqliteHandle {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
}

/** A statement that such a database has prepared. */
export interface SqliteStatement {
  run(...values: (string | number | null)[]): unknown
  all(...values: (string | number | null)[]): unknown[]
}

/** What pg's Pool and its clients share. */
export interface PostgresQueries {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: unknown[] }>
}

/** A client of such a pool. */
export interface PostgresClient extends PostgresQueries {
  on(event: 'error', listener: () => void): unknown
  off(event: 'error', listener: () => void): unknown
  /** With `true` the connection is closed instead of used again. */
  release(destroy?: boolean): void
}

/** pg's Pool, as much of it as is used. */
export interface PostgresPool extends PostgresQueries {
  on(event: 'connect', listener: (client: PostgresClient) => void): unknown
  on(event: 'error', listener: () => void): unknown
  connect(): Promise<PostgresClient>
}

/** What the host hands in. It stays the host's: nothing here closes it. */
export type SqlDatabase = SqliteHandle | PostgresPool

/** A statement with `$1`, `$2` … for its values. */
export interface Statement {
  readonly sql: string
  readonly values?: readonly Value[]
}

/**
 * Statements that follow each other; each gives its rows. On SQLite they run without a pause, so that nothing else on
 * the same handle comes in between.
 */
export type Steps<Result> = Generator<Statement, Result, readonly Row[]>

/** One face of both kinds. */
export interface Database {
  readonly dialect: 'sqlite' | 'postgres'
  run(statement: Statement): Promise<readonly Row[]>
  /** All or nothing. On SQLite nobody else writes meanwhile. */
  transaction<Result>(begin: () => Steps<Result>): Promise<Result>
}

/** Knows the kind by its calls. */
export async function databaseOf(given: SqlDatabase): Promise<Database> {
  if ('prepare' in given && typeof given.prepare === 'function') return openSqlite(given)
  if ('connect' in given && typeof given.connect === 'function') return openPostgres(given)
  throw new TypeError('Neither an SQLite database (exec, prepare) nor a PostgreSQL pool (query, connect)')
}

/** A whole number or a fraction, in whichever of its ways a driver gives it. */
export function numberOf(value: unknown): number {
  return Number(value)
}
