import type { Config } from '../../config/config.js'
import type { RelayRequest, RelayResponse } from '../../http.js'

type Asking = Pick<RelayRequest, 'method' | 'headers'>

/** How long a browser need not ask again. In seconds. */
const MAX_AGE = 86_400
const METHODS = 'GET, POST, DELETE'
/** What scripts may read of an answer beside what they always may. */
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

/** Lets pages of configured origins call from a browser. */
export class Cors {
  readonly #origins: ReadonlySet<string>

  constructor({ origins = [] }: NonNullable<Config['cors']> = { origins: [] }) {
    this.#origins = new Set(origins)
  }

  /** The answer to a browser that asks whether it may; it brings no key. Undefined for every other request, and for strangers. */
  preflight(request: Asking): RelayResponse | undefined {
    const { method, headers } = request
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return undefined
    const told = this.headersFor(request)
    if (!told) return undefined
    const asked = String(headers['access-control-request-headers'] ?? '')
    const more = /^[\w\-, ]*$/.test(asked) && asked !== '' ? { 'access-control-allow-headers': asked } : {}
    return {
      status: 204,
      headers: { ...told, ...more, 'access-control-allow-methods': METHODS, 'access-control-max-age': String(MAX_AGE) },
    }
  }

  /** Whether pages of this origin may call. */
  admits(origin: string): boolean {
    return this.names(origin) || this.#origins.has('*')
  }

  /** Whether it is one of them by name: a star lets every page in, but with no one's cookies. */
  names(origin: string): boolean {
    return this.#origins.has(origin)
  }

  /** What every answer to a page tells its browser. Undefined where there is nothing to tell. */
  headersFor({ headers }: Asking): Record<string, string> | undefined {
    const { origin } = headers
    if (origin === undefined || !this.admits(origin)) return undefined
    return { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED, vary: 'origin' }
  }
}
