import type { RedisClient } from './redis/client.js'
import type { SqlDatabase } from './sql/database.js'

/** A client that the relay has opened, and therefore closes. */
export interface OwnedClient<Client> {
  readonly client: Client
  close(): Promise<void>
}

/** Opens a client when it is first needed. After a failure the next caller tries again. */
export class LazyClient<Client> {
  readonly #open: () => Promise<OwnedClient<Client>>
  #opening: Promise<OwnedClient<Client>> | undefined

  constructor(open: () => Promise<OwnedClient<Client>>) {
    this.#open = open
  }

  async get(): Promise<Client> {
    this.#opening ??= this.#open()
    const opening = this.#opening
    try {
      return (await opening).client
    } catch (error) {
      // Another caller may have seen the failure first, and may be trying again already.
      if (this.#opening === opening) this.#opening = undefined
      throw error
    }
  }

  async close(): Promise<void> {
    const owned = await this.#opening?.catch(() => undefined)
    await owned?.close()
  }
}

/** A Redis client that connects with its first command. */
export function lazyRedis(lazyClient: LazyClient<RedisClient>): RedisClient {
  return {
    async sendCommand(args) {
      const client = await lazyClient.get()
      const [command = '', ...rest] = args
      return 'call' in client ? client.call(command, ...rest) : client.sendCommand(args)
    },
  }
}

/** Imports the first of these packages that the user has installed. The relay itself depends on no driver. */
async function importDriver(names: readonly string[]): Promise<Record<string, unknown>> {
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

interface ErrorEmitter {
  on(event: 'error', listener: () => void): unknown
}

interface Ioredis extends ErrorEmitter {
  connect(): Promise<void>
  call(command: string, ...args: string[]): Promise<unknown>
  disconnect(): void
}

interface NodeRedis extends ErrorEmitter {
  connect(): Promise<unknown>
  sendCommand(args: string[]): Promise<unknown>
  destroy(): void
}

type CreateClient<Client> = (options: object) => Client

const RECONNECT_MS = 500

/** Without a listener, an `error` event would end the process. Failed commands report the error anyway. */
function ignoreError(): void {}

/**
 * Connects to a `redis://` URL with ioredis or node-redis, whichever is installed.
 *
 * @throws {Error} when no driver is installed or Redis cannot be reached
 */
export async function connectRedis(url: string): Promise<OwnedClient<RedisClient>> {
  // For an invalid URL, ioredis would put the whole URL into its error, with the password.
  if (!URL.canParse(url)) throw new Error('the address of Redis is not a URL')
  const driver = await importDriver(['ioredis', 'redis'])
  return driver.name === 'ioredis' ? connectIoredis(driver, url) : connectNodeRedis(driver, url)
}

async function connectIoredis(driver: Record<string, unknown>, url: string): Promise<OwnedClient<RedisClient>> {
  const Redis = driver.Redis as new (url: string, options: object) => Ioredis
  // No queue and no retry of commands: when the connection is back, no call waits for them any more.
  const client = new Redis(url, { lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 0 })
  client.on('error', ignoreError)
  try {
    await client.connect()
  } catch (error) {
    // Otherwise this client would keep trying beside the one that the next call creates.
    client.disconnect()
    throw error
  }
  return { client, close: async () => client.disconnect() }
}

async function connectNodeRedis(driver: Record<string, unknown>, url: string): Promise<OwnedClient<RedisClient>> {
  let isConnected = false
  // By default node-redis would retry the first connection for ever, without an error.
  const reconnectStrategy = (): number | Error => (isConnected ? RECONNECT_MS : new Error('Redis cannot be reached'))
  const client = (driver.createClient as CreateClient<NodeRedis>)({
    url,
    disableOfflineQueue: true,
    socket: { reconnectStrategy },
  })
  client.on('error', ignoreError)
  await client.connect()
  isConnected = true
  return { client, close: async () => client.destroy() }
}

interface PgPool extends ErrorEmitter {
  end(): Promise<void>
}

/**
 * Opens `sqlite:FILE` with node:sqlite, better-sqlite3 or libsql, or a `postgres://` URL with pg.
 *
 * @throws {Error} when no driver is installed or the file cannot be opened
 */
export async function openSqlDatabase(address: string): Promise<OwnedClient<SqlDatabase>> {
  if (!address.startsWith('sqlite:')) {
    const { Pool } = (await importDriver(['pg'])) as unknown as { Pool: new (options: object) => PgPool & SqlDatabase }
    const pool = new Pool({ connectionString: address })
    pool.on('error', ignoreError)
    return { client: pool, close: () => pool.end() }
  }
  const file = address.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '')
  const driver = await importDriver(['node:sqlite', 'better-sqlite3', 'libsql'])
  const Database = (driver.DatabaseSync ?? driver.default) as new (file: string) => SqlDatabase & { close(): void }
  const client = new Database(file)
  return { client, close: async () => client.close() }
}
