import type { RelayRequest } from './http.js'
import type { ProtocolId } from './protocols/protocol.js'
import type { PathFacts } from './protocols/request-facts.js'

/** What is asked for at a path of the table. */
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

/** The same, or what is passed on: unread, or a WebSocket and each answer on it. */
export type Operation = EndpointOperation | 'forward' | 'session' | 'realtime'

/** Where a WebSocket may be opened. */
export type SocketEndpoint = 'realtime' | 'responses'

/** One row: how an endpoint is reached, what it does, and in which language. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** The tail of the path, behind a version like `/v1`. `{id}` is whatever is left. */
  readonly path: string
  readonly operation: EndpointOperation
  readonly protocol: ProtocolId
  /** Whether the answer streams, where the path says it. */
  readonly stream?: boolean
  /** Only behind this version: where two languages use the same path. */
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
  { method: 'GET', path: 'models', operation: 'models', protocol: 'openai-chat' },
  { method: 'GET', path: 'models/{id}', operation: 'model', protocol: 'gemini', version: 'v1beta' },
  {
    method: 'GET',
    path: 'models/{id}',
    operation: 'model',
    protocol: 'anthropic-messages',
    header: 'anthropic-version',
  },
  { method: 'GET', path: 'models/{id}', operation: 'model', protocol: 'openai-chat' },
]

/** The endpoints at one path; the method picks among them. */
export interface Match {
  readonly endpoints: readonly [Endpoint, ...Endpoint[]]
  /** What stood for `{id}`; empty where the path has none. */
  readonly id: string
  readonly query: string
}

type Rows = readonly [Endpoint, ...Endpoint[]]

interface Path {
  readonly expression: RegExp
  /** Those for requests with a header of their own, one list a header. */
  readonly marked: readonly (readonly [header: string, rows: Rows])[]
  /** Those for all others; undefined where there are none. */
  readonly plain: Rows | undefined
}

/** In the order of their rows: `{id}` takes whatever is left, so what names more stands first. */
const paths: readonly Path[] = [...new Set(ENDPOINTS.map(pathOf))].map((path) => {
  const rows = ENDPOINTS.filter((row) => pathOf(row) === path)
  const headers = new Set(rows.flatMap(({ header }) => header ?? []))
  return {
    expression: expressionOf(path),
    marked: [...headers].map((name) => [name, rows.filter(({ header }) => header === name) as [Endpoint]] as const),
    plain: some(rows.filter(({ header }) => header === undefined)),
  }
})

const SOCKETS: readonly (readonly [SocketEndpoint, RegExp])[] = [
  ['realtime', expressionOf('realtime')],
  ['responses', expressionOf('responses')],
]

function some([first, ...others]: readonly Endpoint[]): Rows | undefined {
  return first && [first, ...others]
}

/**
 * Finds the endpoints at a request's path by its tail, so that a mount point needs no option and a doubled slash or
 * `/v1` does no harm. A tail of one word, which the host may use too, must stand behind a version or right at the mount.
 */
export function findEndpoints({
  url,
  mount,
  headers,
}: Pick<RelayRequest, 'url' | 'mount' | 'headers'>): Match | undefined {
  const mark = url.indexOf('?')
  const within = pathWithin(mark < 0 ? url : url.slice(0, mark), mount)
  for (const { expression, marked, plain } of paths) {
    const found = expression.exec(within)
    if (!found) continue
    const endpoints = marked.find(([header]) => headers[header] !== undefined)?.[1] ?? plain
    const query = mark < 0 ? '' : url.slice(mark + 1)
    if (endpoints) return { endpoints, id: found[1] === undefined ? '' : decode(found[1]), query }
  }
  return undefined
}

/** By the same rules, what a WebSocket is opened for. */
export function findSocketEndpoint({ url, mount }: Pick<RelayRequest, 'url' | 'mount'>): SocketEndpoint | undefined {
  const within = pathWithin(url.split('?', 1)[0] ?? '', mount)
  return SOCKETS.find(([, expression]) => expression.test(within))?.[0]
}

/** The path without its mount, but with a version all the same. */
function pathWithin(path: string, mount: string | undefined): string {
  return mount !== undefined && path.startsWith(mount) ? `/${versionOf(mount)}/${path.slice(mount.length)}` : path
}

/** The version that a mount has swallowed, else the common one. */
function versionOf(mount: string): string {
  return /\/(v\d\w*)\/*$/.exec(mount)?.[1] ?? 'v1'
}

/** What the path of a request says of it. */
export function pathFacts({ stream }: Endpoint, { id, query }: Pick<Match, 'id' | 'query'>): PathFacts {
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
