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

/** Options that only code can give, because a config file cannot hold functions or objects. */
export interface Hooks {
  /**
   * Says who is calling, for example from the host's own session. Return `undefined` to let the relay check `keys`.
   * `request.host` is the host's own request or context.
   */
  readonly authenticate?: Authenticate | undefined
  /**
   * Price of a target (`provider/model`) in USD per million tokens: one number for all tokens, or one for each kind.
   * Return `undefined` to use `prices` and the built-in catalogue.
   */
  readonly priceOf?: PriceOf | undefined
  /**
   * Counts the tokens of a conversation when the model's provider cannot count them. Default: one token for each four
   * characters.
   */
  readonly countTokens?: ((conversation: ChatRequest, model: string) => number) | undefined
  /** Your own code, before a call is sent and after it has ended. */
  readonly plugins?: readonly Plugin[] | undefined
  /** Where the log goes: pino's interface. `false` turns it off. Default: warnings and errors go to the console. */
  readonly logger?: Logger | false | undefined
  /**
   * An undici 7 dispatcher that carries every request to a provider, for example a `ProxyAgent`. The relay does not
   * close it. Default: the relay's own connection pools.
   */
  readonly transport?: Transport | undefined
  /**
   * Signs each request to a provider that needs more than an API key: a token that expires, or a signature over the
   * whole request. Return the headers to add, or `undefined`.
   */
  readonly sign?: Sign | undefined
}

/**
 * The config's `store`, where code may pass a connected client instead of an address. The relay closes only what it has
 * opened itself.
 */
export type StoreOptions = Omit<NonNullable<ConfigInput['store']>, 'redis' | 'sql'> & {
  /** A connected client of ioredis or node-redis, or a `redis://` URL. */
  readonly redis?: RedisClient | string | undefined
  /** A handle of `node:sqlite`, `better-sqlite3` or `libsql`, a pool of `pg`, `sqlite:FILE`, or a `postgres://` URL. */
  readonly sql?: SqlDatabase | string | undefined
}

/** The options of `createRelay`: everything that a config file may hold, and {@link Hooks}. */
export type RelayOptions = Omit<ConfigInput, 'store'> & Hooks & { readonly store?: StoreOptions | undefined }

/** Store clients that the host has passed in. */
export interface StoreClients {
  readonly redis: RedisClient | undefined
  readonly sql: SqlDatabase | undefined
}

interface HookCheck {
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
}

const FUNCTION: HookCheck = { expected: 'a function', accepts: (value) => typeof value === 'function' }
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

const HOOKS: Readonly<Record<keyof Hooks, HookCheck>> = {
  authenticate: FUNCTION,
  priceOf: FUNCTION,
  countTokens: FUNCTION,
  plugins: { expected: 'a list of plugins', accepts: Array.isArray },
  logger: {
    expected: 'a logger with `info`, `warn` and `error`, or false',
    accepts: (value) => value === false || isObject(value),
  },
  transport: { expected: 'an undici dispatcher', accepts: isObject },
  sign: FUNCTION,
}

/** {@link RelayOptions} in three parts. */
export interface SplitOptions {
  readonly hooks: Hooks
  readonly storeClients: StoreClients
  readonly config: ConfigInput
}

/**
 * Separates hooks and store clients from the plain config.
 *
 * @throws {ConfigError} for a hook or client of the wrong type
 */
export function splitOptions(options: RelayOptions): SplitOptions {
  const { authenticate, priceOf, countTokens, plugins, logger, transport, sign, store, ...rest } = options
  const hooks: Hooks = { authenticate, priceOf, countTokens, plugins, logger, transport, sign }
  for (const [name, { expected, accepts }] of Object.entries(HOOKS)) {
    const hook = hooks[name as keyof Hooks]
    if (hook !== undefined && !accepts(hook)) {
      throw new ConfigError([{ path: name, message: `expected ${expected}` }])
    }
  }
  const { redis, sql, ...storeSettings } = store ?? {}
  const storeClients: StoreClients = {
    redis: typeof redis === 'string' ? undefined : redis,
    sql: typeof sql === 'string' ? undefined : sql,
  }
  if (storeClients.redis && !isRedisClient(storeClients.redis)) {
    throw new ConfigError([
      { path: 'store.redis', message: 'expected a client of ioredis or node-redis, or a redis:// URL' },
    ])
  }
  if (storeClients.sql && !isSqlDatabase(storeClients.sql)) {
    throw new ConfigError([
      { path: 'store.sql', message: 'expected a database handle, a pool, sqlite:FILE or a postgres:// URL' },
    ])
  }
  const addresses = {
    ...(typeof redis === 'string' ? { redis } : {}),
    ...(typeof sql === 'string' ? { sql } : {}),
  }
  return { hooks, storeClients, config: store ? { ...rest, store: { ...storeSettings, ...addresses } } : rest }
}

function isRedisClient(client: object): boolean {
  return hasMethod(client, 'call') || hasMethod(client, 'sendCommand')
}

function isSqlDatabase(database: object): boolean {
  return hasMethod(database, 'prepare') || (hasMethod(database, 'query') && hasMethod(database, 'connect'))
}

function hasMethod(value: object, name: string): boolean {
  return typeof value === 'object' && typeof (value as Record<string, unknown>)[name] === 'function'
}

/** Writes warnings and errors to the console. */
export const consoleLogger: Logger = {
  info: () => undefined,
  warn: (details, message) => console.warn(`modelmount: ${message}`, details),
  error: (details, message) => console.error(`modelmount: ${message}`, details),
}

/** Writes nothing. */
export const silentLogger: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
