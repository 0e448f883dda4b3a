import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PostgresPool, SqlDatabase, SqliteHandle } from '../../src/stores/sql/database.js'

/** A child process runs a copy of this file elsewhere, and is told where the packages are. */
const { MODELMOUNT_TEST_ROOT: root } = process.env
const require = createRequire(root ? `${root}/package.json` : import.meta.url)

/** Where tests keep their tables, as a child process is told of it. */
export interface Place {
  readonly kind: 'sqlite' | 'postgres'
  /** A file, or an address. */
  readonly at: string
}

/** A database that is open, and how the test closes it. */
export interface OpenedDatabase {
  readonly database: SqlDatabase
  close(): Promise<void>
}

/**
 * The driver for SQLite: libsql, or what `MODELMOUNT_TEST_SQLITE` names: `node:sqlite`, or the folder of a package that
 * gives out a class, as better-sqlite3 does.
 */
const SQLITE = process.env.MODELMOUNT_TEST_SQLITE ?? 'libsql'

type SqliteClass = new (file: string) => SqliteHandle & { close(): unknown }

/** Opens it, as a host would. */
export function openDatabase({ kind, at }: Place): OpenedDatabase {
  if (kind === 'postgres') return openPool(at)
  const found = require(SQLITE) as SqliteClass & { DatabaseSync?: SqliteClass }
  const handle = new (found.DatabaseSync ?? found)(at)
  return { database: handle, close: async () => void handle.close() }
}

interface Pool extends PostgresPool {
  end(): Promise<void>
}

/** The package has no types of its own. */
interface Pg {
  readonly Pool: new (options: { connectionString: string; max: number }) => Pool
}

function openPool(url: string): OpenedDatabase {
  const pg = require('pg') as Pg
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  // As a host would do that has read pg's manual.
  pool.on('error', () => {})
  return { database: pool, close: () => pool.end() }
}

/** A file of its own for one test file. */
export function makeSqlitePlace(): Place & { remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'modelmount-sqlite-'))
  return {
    kind: 'sqlite',
    at: join(folder, 'test.db'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
