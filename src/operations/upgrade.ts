import { answerError, fitToTell } from '../answers.js'
import type { Caller } from '../call.js'
import { findSocketEndpoint, type SocketEndpoint } from '../endpoints.js'
import { RelayError } from '../errors.js'
import type { RelayRequest, RelayResponse } from '../http.js'
import { makeRequestId, readRequestId } from '../lib/ids.js'
import { now } from '../lib/time.js'
import type { Parts } from '../parts.js'
import { keyOf } from '../policies/authenticate.js'
import { commonProtocol } from '../protocols/index.js'
import type { Line } from '../sockets.js'
import { openSession, type WaitingLine } from './realtime.js'
import { type Handle, ResponsesTalk } from './responses-talk.js'

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
  open(line: WaitingLine): Promise<RelayResponse | undefined>
}

/** OpenAI's Responses API, between the client and the relay. */
export interface ResponsesUpgrade {
  readonly endpoint: 'responses'
  readonly subprotocols: readonly string[]
  /** For the answer to the client's handshake. */
  readonly told: Readonly<Record<string, string>>
  /** The largest message. In bytes. */
  readonly maxBytes: number
  open(line: Line): ResponsesTalk
}

/** Lets a WebSocket in by its key; undefined where its path has none. */
export function upgrade(
  parts: Parts,
  given: RelayRequest,
  handle: Handle,
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
  parts: Parts,
  { endpoint, request, subprotocols }: Knocking,
  handle: Handle,
): Promise<Upgrade | RelayResponse> {
  const startedAt = now()
  const id = readRequestId(request.headers['x-request-id']) ?? makeRequestId()
  const told = { 'x-request-id': id }
  try {
    checkHandshake(request)
    const caller = await parts.gate.authenticate(request)
    parts.running.check()
    if (endpoint === 'responses') return responsesUpgrade(parts, { request, caller, subprotocols, told }, handle)
    const row = { method: 'GET', path: endpoint, operation: 'session', protocol: commonProtocol.id } as const
    const path = { id: '', stream: undefined, query: /\?(.*)$/.exec(request.url)?.[1] ?? '' }
    const visit = { id, startedAt, request, endpoint: row, path, protocol: commonProtocol, caller, attempts: [], told }
    const { maxBodyBytes: maxBytes } = parts.config
    return { endpoint, subprotocols, maxBytes, open: (line) => openSession(parts, visit, line) }
  } catch (error) {
    return answerError(fitToTell(error, parts.logger, id), commonProtocol, id, [])
  }
}

interface LetIn extends Omit<Knocking, 'endpoint'> {
  readonly caller: Caller
  readonly told: Readonly<Record<string, string>>
}

function responsesUpgrade(
  parts: Parts,
  { request, caller, subprotocols, told }: LetIn,
  handle: Handle,
): ResponsesUpgrade {
  const { maxBodyBytes: maxBytes } = parts.config
  const open = (line: Line): ResponsesTalk => new ResponsesTalk({ parts, request, caller, handle }, line)
  return { endpoint: 'responses', subprotocols, told, maxBytes, open }
}

/** How OpenAI's browser clients bring a key: as if it were a subprotocol. */
const KEY_PREFIX = 'openai-insecure-api-key.'
/** The same for names that are OpenAI's own business. */
const ACCOUNT_PREFIXES = ['openai-organization.', 'openai-project.']

/** The request with the key that stands among its subprotocols where a key belongs, and the subprotocols without it. */
function readSubprotocols({ cors }: Parts, given: RelayRequest): Omit<Knocking, 'endpoint'> {
  const { 'sec-websocket-protocol': list = '', ...headers } = given.headers
  const all = list.split(',').map((name) => name.trim())
  const key = all.find((name) => name.startsWith(KEY_PREFIX))?.slice(KEY_PREFIX.length)
  const subprotocols = all.filter(
    (name) => name !== '' && ![KEY_PREFIX, ...ACCOUNT_PREFIXES].some((prefix) => name.startsWith(prefix)),
  )
  if (key && keyOf(given) === undefined) headers.authorization = `Bearer ${key}`
  const { method, url, mount, ip, departure, host } = given
  const byKeyOnly = isStrangersPage(cors, given)
  const read: RelayRequest['read'] = (limit) => given.read(limit)
  return { subprotocols, request: { method, url, mount, headers, ip, departure, host, byKeyOnly, read } }
}

/**
 * No browser asks whether a page may open a WebSocket, and it sends its cookies along: a page of strangers could speak as
 * the host's user. A key in a header shows that it is no page: there it has no way to put one.
 */
function isStrangersPage(cors: Parts['cors'], { headers }: RelayRequest): boolean {
  const { origin, host } = headers
  if (origin === undefined || keyOf({ headers, url: '' }) !== undefined) return false
  return !cors.names(origin) && !(URL.canParse(origin) && new URL(origin).host === host)
}

/** @throws {RelayError} 400, 403 */
function checkHandshake(request: RelayRequest): void {
  const { 'sec-websocket-key': proven = '' } = request.headers
  if (!/^[\dA-Za-z+/]{22}==$/.test(proven))
    throw new RelayError('invalid_request', 'A WebSocket is asked for with a `sec-websocket-key` of 16 bytes.')
  if (request.byKeyOnly && keyOf(request) === undefined)
    throw new RelayError('not_allowed', 'Pages of this origin may not open a WebSocket here.')
}
