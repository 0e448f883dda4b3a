import type { Protocol } from '../../protocols/protocol.js'
import type { Provider } from '../../providers/provider.js'
import type { BaseUrl } from '../../targets.js'

/** One of a provider's addresses, made ready: where each of the languages that it speaks stands under it. */
export function parseBaseUrl(
  baseURL: string,
  provider: Provider,
  speaks: readonly Protocol[],
  connectMs: number,
): BaseUrl {
  const { origin, pathname } = new URL(baseURL)
  const prefix = pathname.replace(/\/+$/, '')
  const prefixes = speaks.map(
    (protocol) => [protocol.id, prefixFor(protocol, { origin, pathPrefix: prefix }, provider)] as const,
  )
  const unversioned = new Set<string>(provider.unversionedProtocols)
  return {
    origin,
    pathPrefix: prefix,
    protocolPrefixes: new Map(prefixes),
    unversioned,
    poolKey: `${origin} ${connectMs}`,
  }
}

/** The whole path of a request, given the language's own. */
export function requestPath(
  { pathPrefix, protocolPrefixes, unversioned }: BaseUrl,
  { id }: Protocol,
  own: string,
): string {
  return (protocolPrefixes.get(id) ?? pathPrefix) + (unversioned.has(id) ? own.replace(VERSION, '') : own)
}

/** What stands before a language's own paths. */
function prefixFor(protocol: Protocol, given: Pick<BaseUrl, 'origin' | 'pathPrefix'>, provider: Provider): string {
  if (provider.unversionedProtocols?.includes(protocol.id)) return given.pathPrefix
  const apart = provider.protocolPaths?.[protocol.id]
  if (apart !== undefined) return given.pathPrefix.endsWith(apart) ? given.pathPrefix : rootOf(given, provider) + apart
  // A base URL may end with the version that the language's paths begin with: `/v1` is not said twice.
  const [version] = VERSION.exec(protocol.pathFor('m', false)) ?? []
  return version && given.pathPrefix.endsWith(version) ? given.pathPrefix.slice(0, -version.length) : given.pathPrefix
}

const VERSION = /^\/v\d\w*/
const LAST_VERSION = /\/v\d\w*$/

/** What stands before the vendor's own paths: nothing at its own address, what a proxy has before them elsewhere. */
function rootOf({ origin, pathPrefix }: Pick<BaseUrl, 'origin' | 'pathPrefix'>, { baseURL }: Provider): string {
  const own = baseURL === undefined ? undefined : new URL(baseURL)
  if (own?.origin === origin) return ''
  const path = own?.pathname.replace(/\/+$/, '')
  return path && pathPrefix.endsWith(path) ? pathPrefix.slice(0, -path.length) : pathPrefix.replace(LAST_VERSION, '')
}
