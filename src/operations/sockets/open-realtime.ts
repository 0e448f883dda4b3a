import type { IncomingHttpHeaders } from 'node:http'
import type { Call } from '../../call.js'
import { RelayError } from '../../errors.js'
import type { RelayResponse } from '../../http.js'
import { filterTargets, type RoutePlan, route } from '../../policies/routing/router.js'
import { fallbackProtocol } from '../../protocols/index.js'
import type { SocketClient } from '../../requests/open-sockets.js'
import { errorResponse, publicTargetName, toCallerError, withHeaders } from '../../requests/responses.js'
import type { Services } from '../../services.js'
import type { Channel } from '../../targets.js'
import { readErrorResponse, toConnectionError } from '../../upstream/attempt/failures.js'
import type { Reply } from '../../upstream/attempt/reply.js'
import { keyHeaders, retryAfterIn } from '../../upstream/connection/headers.js'
import { admitCall, createCall, failCall, unreadContent } from '../relay-call.js'
import type { RequestContext } from '../request-context.js'
import { RealtimeSession } from './realtime-session.js'

/** A handshake with a provider, for an adapter to try. */
export interface UpstreamHandshake {
  /** `https://…/v1/realtime?model=…` */
  readonly target: string
  /** Headers with the provider's key, which replaces the caller's. */
  readonly headers: Readonly<Record<string, string>>
  /** Headers to add to the client's handshake response. */
  readonly responseHeaders: Readonly<Record<string, string>>
  /** Timeout for the provider's response, in ms. */
  readonly timeoutMs: number
  /** Call it when the handshake has succeeded on both sides, before any message. */
  open(): RealtimeSession
}

/** A provider's response that refuses a handshake. */
export interface HandshakeRefusal {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** A client that waits for its handshake response, as an adapter provides it. */
export interface PendingSocket extends SocketClient {
  /** Tries a handshake with a provider. Resolves with its refusal, if it refuses. Rejects if it cannot be reached. */
  dial(to: UpstreamHandshake): Promise<HandshakeRefusal | undefined>
}

/** Admits a realtime session, and tries the targets of its model until one accepts it. Returns the response for a client that gets no session. */
export async function openRealtimeSession(
  services: Services,
  context: RequestContext,
  client: PendingSocket,
): Promise<RelayResponse | undefined> {
  const { id, attempts, responseHeaders } = context
  try {
    const query = new URLSearchParams(context.path.query)
    const model = readModel(query)
    const plan = planFor(services, context, model)
    const call = createCall(services, context, unreadContent(model))
    await admitCall(services, call, plan)
    try {
      await services.failover.run(call, plan, (attempted, channel) =>
        tryChannel(services, context, plan, query, client, attempted, channel),
      )
    } catch (error) {
      failCall(services, call, error)
      throw error
    }
    return undefined
  } catch (error) {
    const callerError = toCallerError(error, services.logger, id)
    return withHeaders(errorResponse(callerError, fallbackProtocol, id, attempts), responseHeaders)
  }
}

/** Sessions that only transcribe name their model later, in an event. */
const DEFAULT_TRANSCRIPTION_MODEL = 'gpt-4o-transcribe'

function readModel(query: URLSearchParams): string {
  const isTranscription = query.get('intent') === 'transcription'
  const model = query.get('model') || (isTranscription ? DEFAULT_TRANSCRIPTION_MODEL : undefined)
  if (model) return model
  throw new RelayError('missing_parameter', 'You must provide a model: `/v1/realtime?model=…`.', { param: 'model' })
}

/** Only targets of OpenAI's protocol, with its own paths, have realtime sessions. */
function planFor({ router, authenticator }: Services, { caller }: RequestContext, model: string): RoutePlan {
  const plan = route(router, model, authenticator.mayUse(caller, model))
  const capable = filterTargets(
    plan,
    ({ speaks, requestFormat }) => speaks.includes(fallbackProtocol) && !requestFormat,
  )
  if (capable.targets.length > 0) return capable
  throw new RelayError('invalid_request', `The model \`${model}\` has no realtime sessions.`, { param: 'model' })
}

/** Tries the handshake with one channel. @throws {RelayError} where it refuses or cannot be reached */
async function tryChannel(
  services: Services,
  context: RequestContext,
  plan: RoutePlan,
  query: URLSearchParams,
  client: PendingSocket,
  call: Call,
  channel: Channel,
): Promise<Reply> {
  const { target, credential } = channel
  const url = sessionUrl(channel, query)
  const request = {
    provider: target.upstream.id,
    method: 'GET',
    url,
    headers: credential.headers,
    body: NO_BODY,
  } as const
  const headers = keyHeaders(await services.connections.headersOf(request))
  const session = { services, context, plan, target, model: call.facts.model }
  const refusal = await client
    .dial({
      target: url,
      headers,
      responseHeaders: { ...call.responseHeaders, 'x-modelmount-target': publicTargetName(target.name) },
      timeoutMs: target.upstream.timeouts.headersMs,
      open: () => new RealtimeSession(session, call, client),
    })
    .catch((error: unknown) => {
      throw call.client.isClosed ? new RelayError('client_left', 'The client disconnected.') : toConnectionError(error)
    })
  if (refusal) {
    const errorContext = { upstreamStatus: refusal.status, retryAfterMs: retryAfterIn(refusal.headers) }
    throw readErrorResponse(refusal.body, fallbackProtocol, credential, errorContext)
  }
  call.attempts.push({ target: target.name, status: 101 })
  return { status: 101, target: target.name, contentType: '', body: NO_BODY, losses: [] }
}

const NO_BODY = Buffer.alloc(0)

/** Passes on only the purpose of the session from the client's query, and the model by the provider's name. */
function sessionUrl({ baseUrl, target }: Channel, query: URLSearchParams): string {
  const parameters = new URLSearchParams()
  if (query.has('model')) parameters.set('model', target.model)
  const intent = query.get('intent')
  if (intent) parameters.set('intent', intent)
  return `${baseUrl.origin}${baseUrl.pathPrefix}/realtime?${parameters}`
}
