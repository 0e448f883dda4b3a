import type { RelayRequest } from './http.js'
import type { ProtocolId } from './protocols/protocol.js'

/** What is asked for at a path. */
export type Operation = 'chat' | 'models' | 'model'

/** One row: how an endpoint is reached, what it does, and in which language. */
export interface Endpoint {
  readonly method: 'GET' | 'POST'
  /** The tail of the path, behind a version like `/v1`. `{id}` is whatever is left. */
  readonly path: string
  readonly operation: Operation
  readonly protocol: ProtocolId
}

/** Every endpoint. A new one is a new row. */
const ENDPOINTS: readonly Endpoint[] = [
  { method: 'POST', path: 'chat/completions', operation: 'chat', protocol: 'openai-chat' },
  { method: 'GET', path: 'models', operation: 'models', protocol: 'openai-chat' },
  { method: 'GET', path: 'models/{id}', operation: 'model', protocol: 'openai-chat' },
]

/** The endpoints at one path; the method picks among them. */
export interface Match {
  readonly endpoints: readonly [Endpoint, ...Endpoint[]]
  /** What stood for `{id}`; empty where the path has none. */
  readonly id: string
}

interface Path {
  readonly expression: RegExp
  readonly endpoints: readonly [Endpoint, ...Endpoint[]]
}

const paths: readonly Path[] = [...new Set(ENDPOINTS.map(({ path }) => path))].map((path) => ({
  expression: expressionOf(path),
  endpoints: ENDPOINTS.filter((row) => row.path === path) as [Endpoint, ...Endpoint[]],
}))

/**
 * Finds the endpoints at a request's path by its tail, so that a mount point needs no option and a doubled slash or
 * `/v1` does no harm. A tail of one word, which the host may use too, must stand behind a version or right at the mount.
 */
export function findEndpoints({ url, mount }: Pick<RelayRequest, 'url' | 'mount'>): Match | undefined {
  const query = url.indexOf('?')
  const path = query < 0 ? url : url.slice(0, query)
  const within = mount !== undefined && path.startsWith(mount) ? `/v1/${path.slice(mount.length)}` : path
  for (const { expression, endpoints } of paths) {
    const found = expression.exec(within)
    if (found) return { endpoints, id: decode(found[1] ?? '') }
  }
  return undefined
}

function expressionOf(path: string): RegExp {
  const [, ...further] = path.replace('/{id}', '').split('/')
  const before = further.length > 0 ? '(?:^|/)' : '/v\\d\\w*/+'
  return new RegExp(`${before}${path.replaceAll('/', '/+').replace('{id}', '([^/](?:.*[^/])?)')}/*$`)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
