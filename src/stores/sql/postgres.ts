import type { Database, PostgresClient, PostgresPool, PostgresQueries, Row, Statement, Steps } from './database.js'

/**
 * A pool, seen as a database. A connection that is lost fails the query that was under way; without listeners it would
 * end the process besides. They are there before a client is handed out: it may be lost in the same breath.
 */
export function openPostgres(pool: PostgresPool): Database {
  listen(pool)
  return {
    dialect: 'postgres',
    run: (statement) => run(pool, statement),
    transaction: async (begin) => {
      const client = await pool.connect()
      return inTransaction(client, begin())
    },
  }
}

const heard = new WeakSet<PostgresPool>()

/** Once a pool: it may be opened anew many times, while its server is away. */
function listen(pool: PostgresPool): void {
  if (heard.has(pool)) return
  heard.add(pool)
  pool.on('error', ignore)
  pool.on('connect', (client) => void client.on('error', ignore))
}

async function run(queries: PostgresQueries, { sql, values = [] }: Statement): Promise<readonly Row[]> {
  const { rows } = await queries.query(sql, [...values])
  return rows as Row[]
}

/** After a failure nobody knows in what state a connection is: it is not used again. */
async function inTransaction<Result>(client: PostgresClient, steps: Steps<Result>): Promise<Result> {
  let failed = true
  // Older than this store, it may have no listener.
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

function ignore(): void {}

async function drive<Result>(client: PostgresClient, steps: Steps<Result>): Promise<Result> {
  let step = steps.next()
  while (!step.done) step = steps.next(await run(client, step.value))
  return step.value
}
