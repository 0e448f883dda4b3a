import type { ChatRequest } from './chat/request.js'
import type { ConfigInput } from './config.js'
import { ConfigError } from './faults.js'
import type { Logger, Plugin } from './plugins.js'
import type { Authenticate } from './policies/authenticate.js'
import type { Transport } from './upstream/transport.js'

/** What only code can give: everything a config file cannot hold. */
export interface Hooks {
  /** Who is calling, by the host's own word. Undefined leaves it to `keys`. */
  readonly authenticate?: Authenticate | undefined
  /** USD per million tokens of a target (`provider/model`), for the strategy `cheapest`. Over the config's `prices`. */
  readonly priceOf?: ((target: string) => number | undefined) | undefined
  /** Counts the tokens of a conversation whose model cannot be asked. By default four characters are one. */
  readonly countTokens?: ((conversation: ChatRequest, model: string) => number) | undefined
  readonly plugins?: readonly Plugin[] | undefined
  /** pino's shape. By default warnings and errors go to the console; `false` is silence. */
  readonly logger?: Logger | false | undefined
  /** An undici 7 dispatcher for every request to an upstream: a `ProxyAgent`, say. The relay does not close it. */
  readonly transport?: Transport | undefined
}

/** What `createRelay` takes: a config, and {@link Hooks} beside it. */
export type RelayOptions = ConfigInput & Hooks

const HOOKS: Readonly<Record<keyof Hooks, (value: unknown) => boolean>> = {
  authenticate: (value) => typeof value === 'function',
  priceOf: (value) => typeof value === 'function',
  countTokens: (value) => typeof value === 'function',
  plugins: Array.isArray,
  logger: (value) => value === false || (typeof value === 'object' && value !== null),
  transport: (value) => typeof value === 'object' && value !== null,
}

/** Parts the functions from the plain config. @throws {ConfigError} for a hook of the wrong kind */
export function splitOptions(options: RelayOptions): { hooks: Hooks; config: ConfigInput } {
  const { authenticate, priceOf, countTokens, plugins, logger, transport, ...config } = options
  const hooks: Hooks = { authenticate, priceOf, countTokens, plugins, logger, transport }
  for (const [name, fits] of Object.entries(HOOKS)) {
    const value = hooks[name as keyof Hooks]
    if (value !== undefined && !fits(value))
      throw new ConfigError([{ path: name, message: 'is not of the right kind' }])
  }
  return { hooks, config }
}

/** Warnings and errors on the console, in the host's own process. */
export const consoleLogger: Logger = {
  info: () => undefined,
  warn: (details, message) => console.warn(`modelmount: ${message}`, details),
  error: (details, message) => console.error(`modelmount: ${message}`, details),
}

/** For a host that wants to hear nothing. */
export const silentLogger: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
