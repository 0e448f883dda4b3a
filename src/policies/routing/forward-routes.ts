import type { Config } from '../../config/config.js'
import { ConfigError, type ConfigFault } from '../../config/config-error.js'
import type { RelayRequest } from '../../http.js'
import type { Upstream } from '../../targets.js'

/** Where a request goes that the relay forwards unread. */
export interface ForwardRoute {
  /** First segment of the path after the version: `files`. */
  readonly name: string
  readonly upstream: Upstream
  /** Path and query below the provider's base URL, without the caller's key. */
  readonly rest: string
}

/** The last version in a path, the segment after it, and everything that follows. */
const PATH = /\/v\d\w*\/+(([\w-]+)(?:\/.*)?)$/

/** The routes of the config's `forward`. */
export class ForwardRoutes {
  readonly #upstreams = new Map<string, readonly Upstream[]>()

  /** @throws {ConfigError} for an unknown provider */
  constructor(forward: Config['forward'], upstreams: ReadonlyMap<string, Upstream>) {
    const faults: ConfigFault[] = []
    for (const [name, ids] of Object.entries(forward)) {
      const found = [ids].flat().map((id) => {
        if (!upstreams.has(id)) faults.push({ path: `forward.${name}`, message: `"${id}" names no provider` })
        return upstreams.get(id)
      })
      this.#upstreams.set(
        name,
        found.filter((upstream) => upstream !== undefined),
      )
    }
    if (faults.length > 0) throw new ConfigError(faults)
  }

  /** The route of a request; undefined for a path that is not forwarded. `x-modelmount-provider` chooses among the configured providers; the first is the default. */
  find({ url, headers }: Pick<RelayRequest, 'url' | 'headers'>): ForwardRoute | undefined {
    if (this.#upstreams.size === 0) return undefined
    const queryStart = url.indexOf('?')
    const match = PATH.exec(queryStart < 0 ? url : url.slice(0, queryStart))
    const [, rest = '', name = ''] = match ?? []
    const upstreams = this.#upstreams.get(name)
    const wanted = headers['x-modelmount-provider']
    const upstream = wanted === undefined ? upstreams?.[0] : upstreams?.find(({ id }) => id === wanted)
    if (!upstream || hasDotSegments(rest)) return undefined
    return { name, upstream, rest: rest + withoutKey(queryStart < 0 ? '' : url.slice(queryStart + 1)) }
  }
}

/** Whether dots or encoded slashes could lead the path out of its place at the provider. */
function hasDotSegments(rest: string): boolean {
  return (
    new URL(rest, 'http://host/base/').pathname !== `/base/${rest.replace(/\\/g, '/')}` || /%2e|%2f|%5c/i.test(rest)
  )
}

function withoutKey(query: string): string {
  const parameters = new URLSearchParams(query)
  parameters.delete('key')
  return parameters.size > 0 ? `?${parameters}` : ''
}
