import type { Database, PostgresClient, PostgresPool, PostgresQueries, Row, Statement, Steps } from './database.js'

/** A pool, seen as a database. */
export function openPostgres(pool: PostgresPool): Database {
  return {
    dialect: 'postgres',
    run: (statement) => run(pool, statement),
    transaction: async (begin) => {
      const client = await pool.connect()
      return inTransaction(client, begin())
    },
  }
}

async function run(queries: PostgresQueries, { sql, values = [] }: Statement): Promise<readonly Row[]> {
  const { rows } = await queries.query(sql, [...values])
  return rows as Row[]
}

/** After a failure nobody knows in what state a connection is: it is not used again. */
async function inTransaction<Result>(client: PostgresClient, steps: Steps<Result>): Promise<Result> {
  let failed = true
  client.on('error', ignore)
  try {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED')
    const result = await drive(client, steps)
    await client.query('COMMIT')
    failed = false
    return result
  } finally {
    client.off('error', ignore)
    client.release(failed)
  }
}

/** The query that was under way fails by itself: without a listener the process would end besides. */
function ignore(): void {}

async function drive<Result>(client: PostgresClient, steps: Steps<Result>): Promise<Result> {
  let step = steps.next()
  while (!step.done) step = steps.next(await run(client, step.value))
  return step.value
}
