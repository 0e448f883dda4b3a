import type { Caller } from '../../caller.js'
import { findSocketEndpoint, type SocketEndpoint } from '../../endpoints.js'
import { RelayError } from '../../errors.js'
import type { RelayRequest, RelayResponse } from '../../http.js'
import { makeRequestId, readRequestId } from '../../lib/ids.js'
import { now } from '../../lib/time.js'
import { apiKeyOf } from '../../policies/access/authenticator.js'
import { commonProtocol } from '../../protocols/index.js'
import type { SocketClient } from '../../requests/open-sockets.js'
import { errorResponse, toCallerError } from '../../requests/responses.js'
import type { Services } from '../../services.js'
import { openRealtimeSession, type PendingSocket } from './open-realtime.js'
import { type HandleRequest, ResponsesSession } from './responses-session.js'

/** A WebSocket that has been let in: what is spoken on it, and how it is opened. */
export type Upgrade = RealtimeUpgrade | ResponsesUpgrade

/** OpenAI's Realtime API, between the client and a provider. */
export interface RealtimeUpgrade {
  readonly endpoint: 'realtime'
  /** The client's subprotocols that are no key, for the provider's handshake. */
  readonly subprotocols: readonly string[]
  /** The largest message. In bytes. */
  readonly maxBytes: number
  /** Gives what to tell a client that gets no session. */
  open(line: PendingSocket): Promise<RelayResponse | undefined>
}

/** OpenAI's Responses API, between the client and the relay. */
export interface ResponsesUpgrade {
  readonly endpoint: 'responses'
  readonly subprotocols: readonly string[]
  /** For the answer to the client's handshake. */
  readonly responseHeaders: Readonly<Record<string, string>>
  /** The largest message. In bytes. */
  readonly maxBytes: number
  open(line: SocketClient): ResponsesSession
}

/** Lets a WebSocket in by its key; undefined where its path has none. */
export function upgrade(
  parts: Services,
  given: RelayRequest,
  handle: HandleRequest,
): Promise<Upgrade | RelayResponse> | undefined {
  const endpoint = findSocketEndpoint(given)
  return endpoint && letSocketIn(parts, { endpoint, ...readSubprotocols(parts, given) }, handle)
}

interface Knocking {
  readonly endpoint: SocketEndpoint
  readonly request: RelayRequest
  readonly subprotocols: readonly string[]
}

async function letSocketIn(
  parts: Services,
  { endpoint, request, subprotocols }: Knocking,
  handle: HandleRequest,
): Promise<Upgrade | RelayResponse> {
  const startedAt = now()
  const id = readRequestId(request.headers['x-request-id']) ?? makeRequestId()
  const told = { 'x-request-id': id }
  try {
    checkHandshake(request)
    const caller = await parts.authenticator.authenticate(request)
    parts.activeCalls.check()
    if (endpoint === 'responses') return responsesUpgrade(parts, { request, caller, subprotocols, told }, handle)
    const row = { method: 'GET', path: endpoint, operation: 'session', protocol: commonProtocol.id } as const
    const path = { id: '', stream: undefined, query: /\?(.*)$/.exec(request.url)?.[1] ?? '' }
    const visit = {
      id,
      startedAt,
      request,
      endpoint: row,
      path,
      protocol: commonProtocol,
      caller,
      attempts: [],
      responseHeaders: told,
    }
    const { maxBodyBytes: maxBytes } = parts.config
    return { endpoint, subprotocols, maxBytes, open: (line) => openRealtimeSession(parts, visit, line) }
  } catch (error) {
    return errorResponse(toCallerError(error, parts.logger, id), commonProtocol, id, [])
  }
}

interface LetIn extends Omit<Knocking, 'endpoint'> {
  readonly caller: Caller
  readonly told: Readonly<Record<string, string>>
}

function responsesUpgrade(
  parts: Services,
  { request, caller, subprotocols, told }: LetIn,
  handle: HandleRequest,
): ResponsesUpgrade {
  const { maxBodyBytes: maxBytes } = parts.config
  const open = (line: SocketClient): ResponsesSession => new ResponsesSession({ parts, request, caller, handle }, line)
  return { endpoint: 'responses', subprotocols, responseHeaders: told, maxBytes, open }
}

/** How OpenAI's browser clients bring a key: as if it were a subprotocol. */
const KEY_PREFIX = 'openai-insecure-api-key.'
/** The same for names that are OpenAI's own business. */
const ACCOUNT_PREFIXES = ['openai-organization.', 'openai-project.']

/** The request with the key that stands among its subprotocols where a key belongs, and the subprotocols without it. */
function readSubprotocols({ cors }: Services, given: RelayRequest): Omit<Knocking, 'endpoint'> {
  const { 'sec-websocket-protocol': list = '', ...headers } = given.headers
  const all = list.split(',').map((name) => name.trim())
  const key = all.find((name) => name.startsWith(KEY_PREFIX))?.slice(KEY_PREFIX.length)
  const subprotocols = all.filter(
    (name) => name !== '' && ![KEY_PREFIX, ...ACCOUNT_PREFIXES].some((prefix) => name.startsWith(prefix)),
  )
  if (key && apiKeyOf(given) === undefined) headers.authorization = `Bearer ${key}`
  const { method, url, mount, ip, client, host } = given
  const byKeyOnly = isStrangersPage(cors, given)
  const read: RelayRequest['read'] = (limit) => given.read(limit)
  return {
    subprotocols,
    request: { method, url, mount, headers, ip, client, host, ignoresHostSession: byKeyOnly, read },
  }
}

/**
 * No browser asks whether a page may open a WebSocket, and it sends its cookies along: a page of strangers could speak as
 * the host's user. A key in a header shows that it is no page: there it has no way to put one.
 */
function isStrangersPage(cors: Services['cors'], { headers }: RelayRequest): boolean {
  const { origin, host } = headers
  if (origin === undefined || apiKeyOf({ headers, url: '' }) !== undefined) return false
  return !cors.hasOrigin(origin) && !(URL.canParse(origin) && new URL(origin).host === host)
}

/** @throws {RelayError} 400, 403 */
function checkHandshake(request: RelayRequest): void {
  const { 'sec-websocket-key': proven = '' } = request.headers
  if (!/^[\dA-Za-z+/]{22}==$/.test(proven))
    throw new RelayError('invalid_request', 'A WebSocket is asked for with a `sec-websocket-key` of 16 bytes.')
  if (request.ignoresHostSession && apiKeyOf(request) === undefined)
    throw new RelayError('not_allowed', 'Pages of this origin may not open a WebSocket here.')
}
