import type { RelayRequest } from './http.js'
import type { ProtocolId } from './protocols/protocol.js'
import type { PathFacts } from './protocols/request-facts.js'

/** The operations of the table. */
export type EndpointOperation =
  | 'chat'
  | 'count'
  | 'embed'
  | 'image'
  | 'transcription'
  | 'speech'
  | 'moderation'
  | 'rerank'
  | 'models'
  | 'model'
  | 'response'

/** All operations: those of the table, forwarded requests, realtime sessions, and each answer within a session. */
export type Operation = EndpointOperation | 'forward' | 'session' | 'realtime'

/** Endpoints that accept WebSockets. */
export type SocketEndpoint = 'realtime' | 'responses'

/** One row of the table: method and path of an endpoint, its operation and its protocol. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** The end of the path, after a version like `/v1`. `{id}` matches the rest. */
  readonly path: string
  readonly operation: EndpointOperation
  readonly protocol: ProtocolId
  /** Whether the answer streams, where the path decides it. */
  readonly stream?: boolean
  /** Only after this version, where two protocols have the same path. */
  readonly version?: string
  /** Only for requests with this header, for the same reason. */
  readonly header?: string
}

/** Every endpoint. A new one is a new row. */
const ENDPOINTS: readonly Endpoint[] = [
  { method: 'POST', path: 'chat/completions', operation: 'chat', protocol: 'openai-chat' },
  { method: 'POST', path: 'completions', operation: 'chat', protocol: 'openai-completions' },
  { method: 'POST', path: 'responses', operation: 'chat', protocol: 'openai-responses' },
  { method: 'POST', path: 'responses/input_tokens', operation: 'count', protocol: 'openai-responses' },
  { method: 'GET', path: 'responses/{id}', operation: 'response', protocol: 'openai-responses' },
  { method: 'DELETE', path: 'responses/{id}', operation: 'response', protocol: 'openai-responses' },
  { method: 'POST', path: 'messages', operation: 'chat', protocol: 'anthropic-messages' },
  { method: 'POST', path: 'messages/count_tokens', operation: 'count', protocol: 'anthropic-messages' },
  { method: 'POST', path: 'models/{id}:generateContent', operation: 'chat', protocol: 'gemini', stream: false },
  { method: 'POST', path: 'models/{id}:streamGenerateContent', operation: 'chat', protocol: 'gemini', stream: true },
  { method: 'POST', path: 'models/{id}:countTokens', operation: 'count', protocol: 'gemini' },
  { method: 'POST', path: 'embeddings', operation: 'embed', protocol: 'openai-chat' },
  { method: 'POST', path: 'images/generations', operation: 'image', protocol: 'openai-chat' },
  { method: 'POST', path: 'images/edits', operation: 'image', protocol: 'openai-chat' },
  { method: 'POST', path: 'images/variations', operation: 'image', protocol: 'openai-chat' },
  { method: 'POST', path: 'audio/transcriptions', operation: 'transcription', protocol: 'openai-chat' },
  { method: 'POST', path: 'audio/translations', operation: 'transcription', protocol: 'openai-chat' },
  { method: 'POST', path: 'audio/speech', operation: 'speech', protocol: 'openai-chat' },
  { method: 'POST', path: 'moderations', operation: 'moderation', protocol: 'openai-chat' },
  { method: 'POST', path: 'rerank', operation: 'rerank', protocol: 'openai-chat' },
  { method: 'POST', path: 'models/{id}:embedContent', operation: 'embed', protocol: 'gemini' },
  { method: 'POST', path: 'models/{id}:batchEmbedContents', operation: 'embed', protocol: 'gemini' },
  { method: 'GET', path: 'models', operation: 'models', protocol: 'gemini', version: 'v1beta' },
  { method: 'GET', path: 'models', operation: 'models', protocol: 'anthropic-messages', header: 'anthropic-version' },
  { method: 'GET', path: 'models', operation: 'models', protocol: 'gemini', header: 'x-goog-api-key' },
  { method: 'GET', path: 'models', operation: 'models', protocol: 'openai-chat' },
  { method: 'GET', path: 'models/{id}', operation: 'model', protocol: 'gemini', version: 'v1beta' },
  {
    method: 'GET',
    path: 'models/{id}',
    operation: 'model',
    protocol: 'anthropic-messages',
    header: 'anthropic-version',
  },
  { method: 'GET', path: 'models/{id}', operation: 'model', protocol: 'gemini', header: 'x-goog-api-key' },
  { method: 'GET', path: 'models/{id}', operation: 'model', protocol: 'openai-chat' },
]

/** The endpoints of one path; the method selects one of them. */
export interface EndpointMatch {
  readonly endpoints: readonly [Endpoint, ...Endpoint[]]
  /** The value of `{id}`; empty for a path without one. */
  readonly id: string
  readonly query: string
}

type EndpointRows = readonly [Endpoint, ...Endpoint[]]

interface EndpointPath {
  readonly expression: RegExp
  /** Rows for requests with a given header, by header. */
  readonly withHeader: readonly (readonly [header: string, rows: EndpointRows])[]
  /** Rows for all other requests; undefined without any. */
  readonly withoutHeader: EndpointRows | undefined
}

/** In the order of the table: `{id}` matches any rest, so more specific paths come first. */
const paths: readonly EndpointPath[] = [...new Set(ENDPOINTS.map(pathOf))].map((path) => {
  const rows = ENDPOINTS.filter((row) => pathOf(row) === path)
  const headers = new Set(rows.flatMap(({ header }) => header ?? []))
  return {
    expression: expressionOf(path),
    withHeader: [...headers].map((name) => [name, rows.filter(({ header }) => header === name) as [Endpoint]] as const),
    withoutHeader: nonEmpty(rows.filter(({ header }) => header === undefined)),
  }
})

const SOCKETS: readonly (readonly [SocketEndpoint, RegExp])[] = [
  ['realtime', expressionOf('realtime')],
  ['responses', expressionOf('responses')],
]

function nonEmpty([first, ...others]: readonly Endpoint[]): EndpointRows | undefined {
  return first && [first, ...others]
}

/**
 * Finds the endpoints of a request by the end of its path. So a mount point needs no option, and the relay accepts a doubled
 * slash or `/v1`. A path of one segment, which the host may use too, must follow a version or the mount point directly.
 */
export function findEndpoints({
  url,
  mount,
  headers,
}: Pick<RelayRequest, 'url' | 'mount' | 'headers'>): EndpointMatch | undefined {
  const queryStart = url.indexOf('?')
  const within = pathWithin(queryStart < 0 ? url : url.slice(0, queryStart), mount)
  for (const { expression, withHeader, withoutHeader } of paths) {
    const found = expression.exec(within)
    if (!found) continue
    const endpoints = withHeader.find(([header]) => headers[header] !== undefined)?.[1] ?? withoutHeader
    const query = queryStart < 0 ? '' : url.slice(queryStart + 1)
    if (endpoints) return { endpoints, id: found[1] === undefined ? '' : decode(found[1]), query }
  }
  return undefined
}

/** Finds the endpoint of a WebSocket by the same rules. */
export function findSocketEndpoint({ url, mount }: Pick<RelayRequest, 'url' | 'mount'>): SocketEndpoint | undefined {
  const within = pathWithin(url.split('?', 1)[0] ?? '', mount)
  return SOCKETS.find(([, expression]) => expression.test(within))?.[0]
}

/** The path below the mount point, always with a version. */
function pathWithin(path: string, mount: string | undefined): string {
  return mount !== undefined && path.startsWith(mount) ? `/${versionOf(mount)}/${path.slice(mount.length)}` : path
}

/** The version in the mount path, else `v1`. */
function versionOf(mount: string): string {
  return /\/(v\d\w*)\/*$/.exec(mount)?.[1] ?? 'v1'
}

/** What the path of a request says about it. */
export function pathFacts({ stream }: Endpoint, { id, query }: Pick<EndpointMatch, 'id' | 'query'>): PathFacts {
  return { id, stream, query }
}

function pathOf({ version, path }: Endpoint): string {
  return version ? `${version}/${path}` : path
}

function expressionOf(path: string): RegExp {
  const [head = '', ...further] = path.replace('/{id}', '').split('/')
  const versioned = /^v\d/.test(head)
  const before = versioned || further.length > 0 ? '(?:^|/)' : '/v\\d\\w*/+'
  const tail = path.replaceAll('/', '/+').replace('{id}', '([^/](?:.*[^/])?)')
  return new RegExp(`${before}${tail}/*$`)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
