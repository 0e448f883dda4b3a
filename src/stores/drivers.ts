import type { RedisClient } from './redis/client.js'
import type { SqlDatabase } from './sql/database.js'

/** A client that the relay has made for itself, and closes. */
export interface Opened<Client> {
  readonly client: Client
  close(): Promise<void>
}

/** Drivers are the user's own: none comes with the relay. */
async function load(names: readonly string[]): Promise<Record<string, unknown>> {
  for (const name of names) {
    try {
      return { name, ...((await import(name)) as object) }
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
  throw new Error(`needs one of these packages: ${names.join(', ')}. Install one beside modelmount`)
}

function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_UNKNOWN_BUILTIN_MODULE'
}

interface Ioredis extends AsyncClient {
  connect(): Promise<void>
  call(command: string, ...args: string[]): Promise<unknown>
  disconnect(): void
}

interface NodeRedis extends AsyncClient {
  connect(): Promise<unknown>
  sendCommand(args: string[]): Promise<unknown>
  destroy(): void
}

interface AsyncClient {
  on(event: 'error', listener: () => void): unknown
}

type Make<Client> = (options: object) => Client

const RECONNECT_MS = 500

/** Connects to `redis://…`, by ioredis or node-redis, whichever is installed. */
export async function openRedis(url: string): Promise<Opened<RedisClient>> {
  // ioredis tells a bad address whole, with its password.
  if (!URL.canParse(url)) throw new Error('the address of Redis is no URL')
  const driver = await load(['ioredis', 'redis'])
  // Its trouble is seen in what it answers; an error event that nobody hears would end the process.
  const quiet = (): void => undefined
  if (driver.name === 'ioredis') {
    const Redis = driver.Redis as new (url: string, options: object) => Ioredis
    // What cannot be sent now is not sent later: by then nobody waits for it.
    const client = new Redis(url, { lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 0 })
    client.on('error', quiet)
    try {
      await client.connect()
    } catch (error) {
      // It would go on trying by itself, beside the one that is made next.
      client.disconnect()
      throw error
    }
    return { client, close: async () => client.disconnect() }
  }
  let isOpen = false
  // Left to itself it would try the first connection for ever, and nobody would hear of it.
  const reconnectStrategy = (): number | Error => (isOpen ? RECONNECT_MS : new Error('Redis cannot be reached'))
  const client = (driver.createClient as Make<NodeRedis>)({
    url,
    disableOfflineQueue: true,
    socket: { reconnectStrategy },
  })
  client.on('error', quiet)
  await client.connect()
  isOpen = true
  return { client, close: async () => client.destroy() }
}

interface PgPool {
  on(event: 'error', listener: () => void): unknown
  end(): Promise<void>
}

/** Opens `sqlite:FILE` by node:sqlite, better-sqlite3 or libsql, or `postgres://…` by pg. */
export async function openSqlDatabase(address: string): Promise<Opened<SqlDatabase>> {
  if (!address.startsWith('sqlite:')) {
    const { Pool } = (await load(['pg'])) as unknown as { Pool: new (options: object) => PgPool & SqlDatabase }
    const pool = new Pool({ connectionString: address })
    pool.on('error', () => undefined)
    return { client: pool, close: () => pool.end() }
  }
  const file = address.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '')
  const driver = await load(['node:sqlite', 'better-sqlite3', 'libsql'])
  const Database = (driver.DatabaseSync ?? driver.default) as new (file: string) => SqlDatabase & { close(): void }
  const client = new Database(file)
  return { client, close: async () => client.close() }
}
