import type { Protocol } from '../../protocols/protocol.js'
import type { Provider } from '../../providers/provider.js'
import type { BaseUrl } from '../../targets.js'

/** Parses a base URL of the config, and works out the path prefix of each protocol under it. */
export function parseBaseUrl(
  baseURL: string,
  provider: Provider,
  speaks: readonly Protocol[],
  connectMs: number,
): BaseUrl {
  const { origin, pathname } = new URL(baseURL)
  const pathPrefix = pathname.replace(/\/+$/, '')
  const prefixes = speaks.map(
    (protocol) => [protocol.id, prefixFor(protocol, { origin, pathPrefix }, provider)] as const,
  )
  const unversioned = new Set<string>(provider.unversionedProtocols)
  return {
    origin,
    pathPrefix,
    protocolPrefixes: new Map(prefixes),
    unversioned,
    poolKey: `${origin} ${connectMs}`,
  }
}

/** The path of a request from the root of the origin. `ownPath`: the protocol's own path, such as `/chat/completions`. */
export function requestPath(
  { pathPrefix, protocolPrefixes, unversioned }: BaseUrl,
  { id }: Protocol,
  ownPath: string,
): string {
  return (protocolPrefixes.get(id) ?? pathPrefix) + (unversioned.has(id) ? ownPath.replace(VERSION, '') : ownPath)
}

/** The prefix of a protocol's own paths. */
function prefixFor(protocol: Protocol, base: Pick<BaseUrl, 'origin' | 'pathPrefix'>, provider: Provider): string {
  if (provider.unversionedProtocols?.includes(protocol.id)) return base.pathPrefix
  const ownPrefix = provider.protocolPaths?.[protocol.id]
  if (ownPrefix !== undefined)
    return base.pathPrefix.endsWith(ownPrefix) ? base.pathPrefix : rootOf(base, provider) + ownPrefix
  // A base URL may end with the version that the protocol's paths start with: `/v1` must not appear twice.
  const [version] = VERSION.exec(protocol.pathFor('m', false)) ?? []
  return version && base.pathPrefix.endsWith(version) ? base.pathPrefix.slice(0, -version.length) : base.pathPrefix
}

const VERSION = /^\/v\d\w*/
const LAST_VERSION = /\/v\d\w*$/

/** The part of a base URL before the vendor's own paths: empty at the vendor's own host, possibly a proxy's path elsewhere. */
function rootOf({ origin, pathPrefix }: Pick<BaseUrl, 'origin' | 'pathPrefix'>, { baseURL }: Provider): string {
  const vendor = baseURL === undefined ? undefined : new URL(baseURL)
  if (vendor?.origin === origin) return ''
  const path = vendor?.pathname.replace(/\/+$/, '')
  return path && pathPrefix.endsWith(path) ? pathPrefix.slice(0, -path.length) : pathPrefix.replace(LAST_VERSION, '')
}
