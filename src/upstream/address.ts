import type { Place } from '../call.js'
import type { Protocol } from '../protocols/protocol.js'
import type { Provider } from '../providers/provider.js'

/** One of a provider's addresses, made ready: where each of the languages that it speaks stands under it. */
export function placeAt(baseURL: string, provider: Provider, speaks: readonly Protocol[], connectMs: number): Place {
  const { origin, pathname } = new URL(baseURL)
  const prefix = pathname.replace(/\/+$/, '')
  const prefixes = speaks.map((protocol) => [protocol.id, prefixFor(protocol, { origin, prefix }, provider)] as const)
  const unversioned = new Set<string>(provider.unversioned)
  return { origin, prefix, prefixes: new Map(prefixes), unversioned, pool: `${origin} ${connectMs}` }
}

/** The whole path of a request, given the language's own. */
export function pathAt({ prefix, prefixes, unversioned }: Place, { id }: Protocol, own: string): string {
  return (prefixes.get(id) ?? prefix) + (unversioned.has(id) ? own.replace(VERSION, '') : own)
}

/** What stands before a language's own paths. */
function prefixFor(protocol: Protocol, given: Pick<Place, 'origin' | 'prefix'>, provider: Provider): string {
  if (provider.unversioned?.includes(protocol.id)) return given.prefix
  const apart = provider.paths?.[protocol.id]
  if (apart !== undefined) return given.prefix.endsWith(apart) ? given.prefix : rootOf(given, provider) + apart
  // A base URL may end with the version that the language's paths begin with: `/v1` is not said twice.
  const [version] = VERSION.exec(protocol.pathFor('m', false)) ?? []
  return version && given.prefix.endsWith(version) ? given.prefix.slice(0, -version.length) : given.prefix
}

const VERSION = /^\/v\d\w*/
const LAST_VERSION = /\/v\d\w*$/

/** What stands before the vendor's own paths: nothing at its own address, what a proxy has before them elsewhere. */
function rootOf({ origin, prefix }: Pick<Place, 'origin' | 'prefix'>, { baseURL }: Provider): string {
  const own = baseURL === undefined ? undefined : new URL(baseURL)
  if (own?.origin === origin) return ''
  const path = own?.pathname.replace(/\/+$/, '')
  return path && prefix.endsWith(path) ? prefix.slice(0, -path.length) : prefix.replace(LAST_VERSION, '')
}
