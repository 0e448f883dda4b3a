import type { PriceOf } from './catalog/prices.js'
import type { ChatRequest } from './chat/request.js'
import type { ConfigInput } from './config/config.js'
import { ConfigError } from './config/config-error.js'
import type { Logger, Plugin } from './plugins.js'
import type { Authenticate } from './policies/access/authenticator.js'
import type { RedisClient } from './stores/redis/client.js'
import type { SqlDatabase } from './stores/sql/database.js'
import type { Sign } from './upstream/connection/signing.js'
import type { Transport } from './upstream/connection/upstream-connection.js'

/** What only code can give: everything a config file cannot hold. */
export interface Hooks {
  /** Who is calling, by the host's own word. Undefined leaves it to `keys`. */
  readonly authenticate?: Authenticate | undefined
  /** USD per million tokens of a target (`provider/model`): one number for all of them, or one for each kind. Over the config's `prices`. */
  readonly priceOf?: PriceOf | undefined
  /** Counts the tokens of a conversation whose model cannot be asked. By default four characters are one. */
  readonly countTokens?: ((conversation: ChatRequest, model: string) => number) | undefined
  readonly plugins?: readonly Plugin[] | undefined
  /** pino's shape. By default warnings and errors go to the console; `false` is silence. */
  readonly logger?: Logger | false | undefined
  /** An undici 7 dispatcher for every request to an upstream: a `ProxyAgent`, say. The relay does not close it. */
  readonly transport?: Transport | undefined
  /** Signs each request to a provider whose key is not enough: by a token that expires, or by a signature over all of it. */
  readonly sign?: Sign | undefined
}

/** Stores of the host's own: a connected client, a database handle or pool, or an address to open. The relay closes only what it has opened. */
export type StoreOptions = Omit<NonNullable<ConfigInput['store']>, 'redis' | 'sql'> & {
  /** ioredis or node-redis, or `redis://…`. */
  readonly redis?: RedisClient | string | undefined
  /** A handle of `node:sqlite`, `better-sqlite3` or `libsql`, a pool of `pg`, or `sqlite:FILE` or `postgres://…`. */
  readonly sql?: SqlDatabase | string | undefined
}

/** What `createRelay` takes: a config, and {@link Hooks} beside it. */
export type RelayOptions = Omit<ConfigInput, 'store'> & Hooks & { readonly store?: StoreOptions | undefined }

/** What was passed in, where the config has room for addresses only. */
export interface Handles {
  readonly redis: RedisClient | undefined
  readonly sql: SqlDatabase | undefined
}

const HOOKS: Readonly<Record<keyof Hooks, (value: unknown) => boolean>> = {
  authenticate: (value) => typeof value === 'function',
  priceOf: (value) => typeof value === 'function',
  countTokens: (value) => typeof value === 'function',
  plugins: Array.isArray,
  logger: (value) => value === false || (typeof value === 'object' && value !== null),
  transport: (value) => typeof value === 'object' && value !== null,
  sign: (value) => typeof value === 'function',
}

export interface SplitOptions {
  readonly hooks: Hooks
  readonly handles: Handles
  readonly config: ConfigInput
}

/** Parts the functions and handles from the plain config. @throws {ConfigError} for a hook of the wrong kind */
export function splitOptions(options: RelayOptions): SplitOptions {
  const { authenticate, priceOf, countTokens, plugins, logger, transport, sign, store, ...rest } = options
  const hooks: Hooks = { authenticate, priceOf, countTokens, plugins, logger, transport, sign }
  for (const [name, fits] of Object.entries(HOOKS)) {
    const value = hooks[name as keyof Hooks]
    if (value !== undefined && !fits(value))
      throw new ConfigError([{ path: name, message: 'is not of the right kind' }])
  }
  const { redis, sql, ...settings } = store ?? {}
  const handles: Handles = {
    redis: typeof redis === 'string' ? undefined : redis,
    sql: typeof sql === 'string' ? undefined : sql,
  }
  if (handles.redis && !isRedisClient(handles.redis))
    throw new ConfigError([
      { path: 'store.redis', message: 'is neither a client of ioredis or node-redis nor an address' },
    ])
  if (handles.sql && !isSqlDatabase(handles.sql))
    throw new ConfigError([{ path: 'store.sql', message: 'is neither a database handle or pool nor an address' }])
  const addresses = {
    ...(typeof redis === 'string' ? { redis } : {}),
    ...(typeof sql === 'string' ? { sql } : {}),
  }
  return { hooks, handles, config: store ? { ...rest, store: { ...settings, ...addresses } } : rest }
}

function isRedisClient(client: object): boolean {
  return has(client, 'call') || has(client, 'sendCommand')
}

function isSqlDatabase(database: object): boolean {
  return has(database, 'prepare') || (has(database, 'query') && has(database, 'connect'))
}

function has(value: object, name: string): boolean {
  return typeof value === 'object' && typeof (value as Record<string, unknown>)[name] === 'function'
}

/** Warnings and errors on the console, in the host's own process. */
export const consoleLogger: Logger = {
  info: () => undefined,
  warn: (details, message) => console.warn(`modelmount: ${message}`, details),
  error: (details, message) => console.error(`modelmount: ${message}`, details),
}

/** For a host that wants to hear nothing. */
export const silentLogger: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
