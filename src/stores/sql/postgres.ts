import type {
  Database,
  PostgresClient,
  PostgresPool,
  PostgresQueries,
  SqlRow,
  SqlStatement,
  TransactionSteps,
} from './database.js'

/**
 * Adapts a pool of pg. When a connection breaks, its query fails, and pg also emits `error`, which would end the
 * process if nobody listened. The listeners are added before the pool gives out a client, because it may break at
 * once.
 */
export function openPostgres(pool: PostgresPool): Database {
  ignoreErrors(pool)
  return {
    dialect: 'postgres',
    run: (statement) => run(pool, statement),
    transaction: async (begin) => {
      const client = await pool.connect()
      return runTransaction(client, begin())
    },
  }
}

/** While the server is away, the same pool is opened again and again. It gets its listeners once. */
const poolsWithListeners = new WeakSet<PostgresPool>()

function ignoreErrors(pool: PostgresPool): void {
  if (poolsWithListeners.has(pool)) return
  poolsWithListeners.add(pool)
  pool.on('error', ignore)
  pool.on('connect', (client) => void client.on('error', ignore))
}

async function run(queries: PostgresQueries, { sql, values = [] }: SqlStatement): Promise<readonly SqlRow[]> {
  const { rows } = await queries.query(sql, [...values])
  return rows as SqlRow[]
}

/** Closes the connection after a failure, because its state is unknown. */
async function runTransaction<Result>(client: PostgresClient, steps: TransactionSteps<Result>): Promise<Result> {
  let hasFailed = true
  // The client may be older than the pool's listener, and then has none.
  client.on('error', ignore)
  try {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED')
    const result = await runSteps(client, steps)
    await client.query('COMMIT')
    hasFailed = false
    return result
  } finally {
    client.off('error', ignore)
    client.release(hasFailed)
  }
}

function ignore(): void {}

async function runSteps<Result>(client: PostgresClient, steps: TransactionSteps<Result>): Promise<Result> {
  let step = steps.next()
  while (!step.done) step = steps.next(await run(client, step.value))
  return step.value
}
