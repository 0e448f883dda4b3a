import type { Database, SqliteHandle, SqliteStatement, SqlRow, SqlStatement, TransactionSteps } from './database.js'

/** How long SQLite waits for another process that writes. It blocks this whole process meanwhile. */
const BUSY_TIMEOUT_MS = 500
const MAX_WAL_ATTEMPTS = 100
const WAL_RETRY_MS = 20

/** Statements that return rows. */
const RETURNS_ROWS = /^\s*(SELECT|WITH)\b/

interface PreparedStatement {
  readonly statement: SqliteStatement
  /** For each `?`, the index of its value. */
  readonly valueIndexes: readonly number[]
  readonly returnsRows: boolean
}

/** Adapts an SQLite database. It uses a write-ahead log, so that readers and a writer do not wait for each other. */
export async function openSqlite(handle: SqliteHandle): Promise<Database> {
  handle.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
  await enableWriteAheadLog(handle)
  handle.exec('PRAGMA synchronous = NORMAL')
  const preparedStatements = new Map<string, PreparedStatement>()
  const run: Run = ({ sql, values = [] }) => {
    const prepared = preparedStatements.get(sql) ?? prepare(handle, sql)
    preparedStatements.set(sql, prepared)
    const bound = prepared.valueIndexes.map((index) => values[index] as string | number | null)
    if (prepared.returnsRows) return prepared.statement.all(...bound) as SqlRow[]
    prepared.statement.run(...bound)
    return []
  }
  return {
    dialect: 'sqlite',
    run: async (statement) => run(statement),
    transaction: async (begin) => runTransaction(run, begin()),
  }
}

/** The busy timeout does not apply to this pragma, so it is tried again here. */
async function enableWriteAheadLog(handle: SqliteHandle): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      handle.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (attempt >= MAX_WAL_ATTEMPTS) throw error
      await new Promise((resolve) => setTimeout(resolve, WAL_RETRY_MS))
    }
  }
}

/** Replaces `$1`, `$2` … by `?`, the only placeholder that all drivers support. */
function prepare(handle: SqliteHandle, sql: string): PreparedStatement {
  const valueIndexes: number[] = []
  const withPlaceholders = sql.replace(/\$(\d+)/g, (_, number: string) => {
    valueIndexes.push(Number(number) - 1)
    return '?'
  })
  return { statement: handle.prepare(withPlaceholders), valueIndexes, returnsRows: RETURNS_ROWS.test(sql) }
}

type Run = (statement: SqlStatement) => readonly SqlRow[]

function runTransaction<Result>(run: Run, steps: TransactionSteps<Result>): Result {
  run({ sql: 'BEGIN IMMEDIATE' })
  try {
    const result = runSteps(steps, run)
    run({ sql: 'COMMIT' })
    return result
  } catch (error) {
    rollBack(run)
    throw error
  }
}

/** Fails if SQLite has rolled back by itself. Then the first error is the one to report. */
function rollBack(run: Run): void {
  try {
    run({ sql: 'ROLLBACK' })
  } catch {}
}

function runSteps<Result>(steps: TransactionSteps<Result>, run: Run): Result {
  let step = steps.next()
  while (!step.done) step = steps.next(run(step.value))
  return step.value
}
