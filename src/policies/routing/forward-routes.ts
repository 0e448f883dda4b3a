import type { Config } from '../../config/config.js'
import { ConfigError, type ConfigFault } from '../../config/config-error.js'
import type { RelayRequest } from '../../http.js'
import type { Upstream } from '../../targets.js'

/** A path that is passed on unread, and where to. */
export interface ForwardRoute {
  /** Its first word behind the version: `files`. */
  readonly name: string
  readonly upstream: Upstream
  /** Path and query under the provider's base URL, without the caller's key. */
  readonly rest: string
}

/** The last version of a path, the word behind it, and whatever follows. */
const PATH = /\/v\d\w*\/+(([\w-]+)(?:\/.*)?)$/

/** Knows the paths that are passed on unread, by the config's `forward`. */
export class ForwardRoutes {
  readonly #providers = new Map<string, readonly Upstream[]>()

  /** @throws {ConfigError} for a provider that is none */
  constructor(forward: Config['forward'], upstreams: ReadonlyMap<string, Upstream>) {
    const faults: ConfigFault[] = []
    for (const [name, ids] of Object.entries(forward)) {
      const found = [ids].flat().map((id) => {
        if (!upstreams.has(id)) faults.push({ path: `forward.${name}`, message: `"${id}" names no provider` })
        return upstreams.get(id)
      })
      this.#providers.set(
        name,
        found.filter((upstream) => upstream !== undefined),
      )
    }
    if (faults.length > 0) throw new ConfigError(faults)
  }

  /** Undefined where nothing is forwarded. The caller may choose among those that are configured, the first is the usual one. */
  find({ url, headers }: Pick<RelayRequest, 'url' | 'headers'>): ForwardRoute | undefined {
    if (this.#providers.size === 0) return undefined
    const mark = url.indexOf('?')
    const found = PATH.exec(mark < 0 ? url : url.slice(0, mark))
    const [, rest = '', name = ''] = found ?? []
    const providers = this.#providers.get(name)
    const wanted = headers['x-modelmount-provider']
    const upstream = wanted === undefined ? providers?.[0] : providers?.find(({ id }) => id === wanted)
    if (!upstream || leadsElsewhere(rest)) return undefined
    return { name, upstream, rest: rest + queryOf(mark < 0 ? '' : url.slice(mark + 1)) }
  }
}

/** Whether dots in a path, in any spelling, would lead out of it. */
function leadsElsewhere(rest: string): boolean {
  return (
    new URL(rest, 'http://host/base/').pathname !== `/base/${rest.replace(/\\/g, '/')}` || /%2e|%2f|%5c/i.test(rest)
  )
}

function queryOf(query: string): string {
  const words = new URLSearchParams(query)
  words.delete('key')
  return words.size > 0 ? `?${words}` : ''
}
