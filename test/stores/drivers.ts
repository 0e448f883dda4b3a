import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PostgresPool, SqlDatabase, SqliteHandle } from '../../src/stores/sql/database.js'

/** A child process runs a copy of this file in another folder. The variable says where the packages are. */
const { MODELMOUNT_TEST_ROOT: root } = process.env
const require = createRequire(root ? `${root}/package.json` : import.meta.url)

/** The database of a test. It is JSON, so that a child process can get it as an argument. */
export interface Place {
  readonly kind: 'sqlite' | 'postgres'
  /** A file, or a URL. */
  readonly at: string
}

/** An open database, and how the test closes it. */
export interface OpenedDatabase {
  readonly database: SqlDatabase
  close(): Promise<void>
}

/**
 * The driver for SQLite. Default: libsql. `MODELMOUNT_TEST_SQLITE` names another: `node:sqlite`, or the folder of a
 * package that exports a class, as better-sqlite3 does.
 */
const SQLITE = process.env.MODELMOUNT_TEST_SQLITE ?? 'libsql'

type SqliteClass = new (file: string) => SqliteHandle & { close(): unknown }

/** Opens a database, as a host would. */
export function openDatabase({ kind, at }: Place): OpenedDatabase {
  if (kind === 'postgres') return openPool(at)
  const driver = require(SQLITE) as SqliteClass & { DatabaseSync?: SqliteClass }
  const handle = new (driver.DatabaseSync ?? driver)(at)
  return { database: handle, close: async () => void handle.close() }
}

interface Pool extends PostgresPool {
  end(): Promise<void>
}

/** The part of pg that is used here. */
interface Pg {
  readonly Pool: new (options: { connectionString: string; max: number }) => Pool
}

function openPool(url: string): OpenedDatabase {
  const pg = require('pg') as Pg
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  // pg's documentation asks every host to do this.
  pool.on('error', () => {})
  return { database: pool, close: () => pool.end() }
}

/** A new SQLite file for one test file. */
export function makeSqlitePlace(): Place & { remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'modelmount-sqlite-'))
  return {
    kind: 'sqlite',
    at: join(folder, 'test.db'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
