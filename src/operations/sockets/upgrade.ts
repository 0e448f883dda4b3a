import { findSocketEndpoint, type SocketEndpoint } from '../../endpoints.js'
import { RelayError } from '../../errors.js'
import type { RelayRequest, RelayResponse } from '../../http.js'
import { makeRequestId, readRequestId } from '../../lib/ids.js'
import { now } from '../../lib/time.js'
import { apiKeyOf } from '../../policies/access/authenticator.js'
import type { Cors } from '../../policies/access/cors.js'
import { fallbackProtocol } from '../../protocols/index.js'
import type { SocketClient } from '../../requests/open-sockets.js'
import { errorResponse, toCallerError } from '../../requests/responses.js'
import type { Services } from '../../services.js'
import type { RequestContext } from '../request-context.js'
import { openRealtimeSession, type PendingSocket } from './open-realtime.js'
import { type HandleRequest, ResponsesSession } from './responses-session.js'

/** An admitted WebSocket, for an adapter to open. */
export type Upgrade = RealtimeUpgrade | ResponsesUpgrade

/** OpenAI's Realtime API, between the client and a provider. */
export interface RealtimeUpgrade {
  readonly endpoint: 'realtime'
  /** The client's subprotocols without keys, for the provider's handshake. */
  readonly subprotocols: readonly string[]
  /** Largest message, in bytes. */
  readonly maxBytes: number
  /** Opens the session. Returns the response for a client that gets none. */
  open(client: PendingSocket): Promise<RelayResponse | undefined>
}

/** OpenAI's Responses API, between the client and the relay. */
export interface ResponsesUpgrade {
  readonly endpoint: 'responses'
  readonly subprotocols: readonly string[]
  /** Headers to add to the client's handshake response. */
  readonly responseHeaders: Readonly<Record<string, string>>
  /** Largest message, in bytes. */
  readonly maxBytes: number
  open(client: SocketClient): ResponsesSession
}

/** Authenticates a WebSocket. Returns undefined for a path without WebSockets. */
export function upgrade(
  services: Services,
  handshake: RelayRequest,
  handle: HandleRequest,
): Promise<Upgrade | RelayResponse> | undefined {
  const endpoint = findSocketEndpoint(handshake)
  return endpoint && admitSocket(services, endpoint, handshake, handle)
}

async function admitSocket(
  services: Services,
  endpoint: SocketEndpoint,
  handshake: RelayRequest,
  handle: HandleRequest,
): Promise<Upgrade | RelayResponse> {
  const startedAt = now()
  const id = readRequestId(handshake.headers['x-request-id']) ?? makeRequestId()
  const responseHeaders = { 'x-request-id': id }
  const { maxBodyBytes: maxBytes } = services.config
  try {
    const { request, subprotocols } = readSubprotocols(services.cors, handshake)
    checkHandshake(request)
    const caller = await services.authenticator.authenticate(request)
    services.activeCalls.check()
    if (endpoint === 'responses') {
      const open = (client: SocketClient): ResponsesSession =>
        new ResponsesSession(services, request, caller, handle, client)
      return { endpoint, subprotocols, responseHeaders, maxBytes, open }
    }
    const context: RequestContext = {
      id,
      startedAt,
      request,
      endpoint: { method: 'GET', path: endpoint, operation: 'session', protocol: fallbackProtocol.id },
      path: { id: '', stream: undefined, query: /\?(.*)$/.exec(request.url)?.[1] ?? '' },
      protocol: fallbackProtocol,
      caller,
      attempts: [],
      responseHeaders,
    }
    return { endpoint, subprotocols, maxBytes, open: (client) => openRealtimeSession(services, context, client) }
  } catch (error) {
    return errorResponse(toCallerError(error, services.logger, id), fallbackProtocol, id, [])
  }
}

/** OpenAI's browser clients send their key as a subprotocol. */
const KEY_PREFIX = 'openai-insecure-api-key.'
/** They name accounts at OpenAI. Other providers do not need them. */
const ACCOUNT_PREFIXES = ['openai-organization.', 'openai-project.']

/** Moves a key among the subprotocols to the `authorization` header. Returns the other subprotocols separately. */
function readSubprotocols(
  cors: Cors,
  handshake: RelayRequest,
): { readonly request: RelayRequest; readonly subprotocols: readonly string[] } {
  const { 'sec-websocket-protocol': list = '', ...headers } = handshake.headers
  const names = list.split(',').map((name) => name.trim())
  const key = names.find((name) => name.startsWith(KEY_PREFIX))?.slice(KEY_PREFIX.length)
  const subprotocols = names.filter(
    (name) => name !== '' && ![KEY_PREFIX, ...ACCOUNT_PREFIXES].some((prefix) => name.startsWith(prefix)),
  )
  if (key && apiKeyOf(handshake) === undefined) headers.authorization = `Bearer ${key}`
  const { method, url, mount, ip, client, host } = handshake
  const ignoresHostSession = isForeignPage(cors, handshake)
  const read: RelayRequest['read'] = (maxBytes) => handshake.read(maxBytes)
  return { subprotocols, request: { method, url, mount, headers, ip, client, host, ignoresHostSession, read } }
}

/**
 * Whether the handshake comes from a page of another origin. Browsers send cookies with a WebSocket and ask no preflight,
 * so such a page could act as the host's user. Pages cannot set the headers of a WebSocket, so a key
 * in a header excludes a page.
 */
function isForeignPage(cors: Cors, { headers }: RelayRequest): boolean {
  const { origin, host } = headers
  if (origin === undefined || apiKeyOf({ headers, url: '' }) !== undefined) return false
  return !cors.hasOrigin(origin) && !(URL.canParse(origin) && new URL(origin).host === host)
}

/** @throws {RelayError} 400, 403 */
function checkHandshake(request: RelayRequest): void {
  const { 'sec-websocket-key': key = '' } = request.headers
  if (!/^[\dA-Za-z+/]{22}==$/.test(key))
    throw new RelayError('invalid_request', 'A WebSocket handshake needs a `sec-websocket-key` of 16 bytes.')
  if (request.ignoresHostSession && apiKeyOf(request) === undefined)
    throw new RelayError('not_allowed', 'Pages of this origin may not open a WebSocket here.')
}
