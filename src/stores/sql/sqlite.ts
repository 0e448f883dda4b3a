import type { Database, Row, SqliteHandle, SqliteStatement, Statement, Steps } from './database.js'

/** How long SQLite waits for another process that writes: all of this process stands still meanwhile. */
const BUSY_MS = 500
const WAL_TRIES = 100
const WAL_PAUSE_MS = 20

/** The kinds of statement that answer with rows. */
const READS = /^\s*(SELECT|WITH)\b/

/** A statement, and which of its values stand where. */
interface Prepared {
  readonly statement: SqliteStatement
  readonly order: readonly number[]
  readonly reads: boolean
}

/** Writes ahead, so that readers and a writer do not wait for each other. */
export async function openSqlite(handle: SqliteHandle): Promise<Database> {
  handle.exec(`PRAGMA busy_timeout = ${BUSY_MS}`)
  await writeAhead(handle)
  handle.exec('PRAGMA synchronous = NORMAL')
  const prepared = new Map<string, Prepared>()
  const run: Run = ({ sql, values = [] }) => {
    const known = prepared.get(sql) ?? prepare(handle, sql)
    prepared.set(sql, known)
    const bound = known.order.map((place) => values[place] as string | number | null)
    if (known.reads) return known.statement.all(...bound) as Row[]
    known.statement.run(...bound)
    return []
  }
  return {
    dialect: 'sqlite',
    run: async (statement) => run(statement),
    transaction: async (begin) => inTransaction(run, begin()),
  }
}

/** The change of mode does not wait for others as statements do. */
async function writeAhead(handle: SqliteHandle): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      handle.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (tries >= WAL_TRIES) throw error
      await new Promise((resolve) => setTimeout(resolve, WAL_PAUSE_MS))
    }
  }
}

/** Drivers agree on nothing but `?`: each number becomes one. */
function prepare(handle: SqliteHandle, sql: string): Prepared {
  const order: number[] = []
  const plain = sql.replace(/\$(\d+)/g, (_, number: string) => {
    order.push(Number(number) - 1)
    return '?'
  })
  return { statement: handle.prepare(plain), order, reads: READS.test(sql) }
}

type Run = (statement: Statement) => readonly Row[]

function inTransaction<Result>(run: Run, steps: Steps<Result>): Result {
  run({ sql: 'BEGIN IMMEDIATE' })
  try {
    const result = drive(steps, run)
    run({ sql: 'COMMIT' })
    return result
  } catch (error) {
    rollBack(run)
    throw error
  }
}

/** SQLite may have rolled back by itself: then this fails, and the first error is the one to tell. */
function rollBack(run: Run): void {
  try {
    run({ sql: 'ROLLBACK' })
  } catch {}
}

function drive<Result>(steps: Steps<Result>, run: Run): Result {
  let step = steps.next()
  while (!step.done) step = steps.next(run(step.value))
  return step.value
}
