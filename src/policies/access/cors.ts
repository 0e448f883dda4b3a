import type { Config } from '../../config/config.js'
import type { RelayRequest, RelayResponse } from '../../http.js'

type RequestHead = Pick<RelayRequest, 'method' | 'headers'>

/** How long a browser may reuse the answer to a preflight. */
const MAX_AGE_SECONDS = 86_400
const METHODS = 'GET, POST, DELETE'
/** Response headers that scripts may read, besides those that they always may. */
const EXPOSED = [
  'x-request-id',
  'request-id',
  'retry-after',
  'retry-after-ms',
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
  'x-ratelimit-limit-tokens',
  'x-ratelimit-remaining-tokens',
  'x-ratelimit-reset-tokens',
  'x-modelmount-target',
  'x-modelmount-attempts',
  'x-modelmount-cache',
  'x-modelmount-losses',
  'x-modelmount-cost',
].join(', ')

/** Allows pages of the configured origins to call the relay from a browser. */
export class Cors {
  readonly #origins: ReadonlySet<string>

  constructor({ origins = [] }: NonNullable<Config['cors']> = { origins: [] }) {
    this.#origins = new Set(origins)
  }

  /** Answers a browser's preflight, which carries no key. Undefined for any other request, and for other origins. */
  preflight(request: RequestHead): RelayResponse | undefined {
    const { method, headers } = request
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return undefined
    const common = this.headersFor(request)
    if (!common) return undefined
    const requested = String(headers['access-control-request-headers'] ?? '')
    const isPlain = /^[\w\-, ]+$/.test(requested)
    return {
      status: 204,
      headers: {
        ...common,
        ...(isPlain && { 'access-control-allow-headers': requested }),
        'access-control-allow-methods': METHODS,
        'access-control-max-age': String(MAX_AGE_SECONDS),
      },
    }
  }

  /** Whether pages of this origin may call, by name or by `*`. */
  allows(origin: string): boolean {
    return this.hasOrigin(origin) || this.#origins.has('*')
  }

  /** Whether the config names this origin. `*` does not count: it allows any page, but not with the host's cookies. */
  hasOrigin(origin: string): boolean {
    return this.#origins.has(origin)
  }

  /** Headers of every answer to a page of an allowed origin; undefined for any other request. */
  headersFor({ headers }: RequestHead): Record<string, string> | undefined {
    const { origin } = headers
    if (origin === undefined || !this.allows(origin)) return undefined
    return { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED, vary: 'origin' }
  }
}
