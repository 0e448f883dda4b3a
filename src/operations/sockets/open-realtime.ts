import type { IncomingHttpHeaders } from 'node:http'
import { RelayError } from '../../errors.js'
import type { RelayResponse } from '../../http.js'
import type { SendToChannel } from '../../policies/failover/failover.js'
import { filterTargets, type RoutePlan, route } from '../../policies/routing/router.js'
import { commonProtocol } from '../../protocols/index.js'
import type { SocketClient } from '../../requests/open-sockets.js'
import { errorResponse, publicTargetName, toCallerError, withHeaders } from '../../requests/responses.js'
import type { Services } from '../../services.js'
import type { Channel } from '../../targets.js'
import { readErrorResponse, toConnectionError } from '../../upstream/attempt/failures.js'
import { keyHeaders, retryAfterIn } from '../../upstream/connection/headers.js'
import { admitCall, createCall, failCall, unreadContent } from '../relay-call.js'
import type { RequestContext } from '../request-context.js'
import { RealtimeSession } from './realtime-session.js'

/** A handshake with a provider. */
export interface UpstreamHandshake {
  /** `https://…/v1/realtime?model=…` */
  readonly target: string
  /** In place of the caller's own: the provider's key. */
  readonly headers: Readonly<Record<string, string>>
  /** For the answer to the client's handshake, when it succeeds. */
  readonly responseHeaders: Readonly<Record<string, string>>
  /** How long the provider may keep silent. In ms. */
  readonly timeoutMs: number
  /** To be called at the moment when both ends have agreed, before any message. */
  open(): RealtimeSession
}

/** A provider's no to a handshake. */
export interface HandshakeRefusal {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** A client that waits for its handshake, as an adapter holds it. */
export interface PendingSocket extends SocketClient {
  /** Tries a handshake. Gives the provider's no, if it is one; rejects where there is neither that nor a yes. */
  dial(to: UpstreamHandshake): Promise<HandshakeRefusal | undefined>
}

/** A realtime session is let in by its model, limits and key, and its model's targets are tried until one takes it. Gives what to tell a client that gets none. */
export async function openRealtimeSession(
  parts: Services,
  visit: RequestContext,
  line: PendingSocket,
): Promise<RelayResponse | undefined> {
  const { id, attempts, responseHeaders } = visit
  try {
    const query = new URLSearchParams(visit.path.query)
    const model = modelOf(query)
    const plan = planFor(parts, visit, model)
    const call = createCall(parts, visit, unreadContent(model))
    await admitCall(parts, call, plan)
    try {
      await parts.failover.run(call, plan, dialing({ parts, visit, plan, query, line }))
    } catch (error) {
      failCall(parts, call, error)
      throw error
    }
    return undefined
  } catch (error) {
    return withHeaders(
      errorResponse(toCallerError(error, parts.logger, id), commonProtocol, id, attempts),
      responseHeaders,
    )
  }
}

/** A session that only writes down what it hears names its model later. */
const USUAL_TRANSCRIBER = 'gpt-4o-transcribe'

function modelOf(query: URLSearchParams): string {
  const model = query.get('model') || (query.get('intent') === 'transcription' ? USUAL_TRANSCRIBER : undefined)
  if (model) return model
  throw new RelayError('missing_parameter', 'You must provide a model: `/v1/realtime?model=…`.', { param: 'model' })
}

/** Only targets that speak OpenAI's language have sessions, and only where its own paths stand. */
function planFor({ router, authenticator }: Services, { caller }: RequestContext, model: string): RoutePlan {
  const plan = route(router, model, authenticator.mayUse(caller, model))
  const able = filterTargets(plan, ({ speaks, requestFormat }) => speaks.includes(commonProtocol) && !requestFormat)
  if (able.targets.length > 0) return able
  throw new RelayError('invalid_request', `The model \`${model}\` has no realtime sessions.`, { param: 'model' })
}

interface Waiting {
  readonly parts: Services
  readonly visit: RequestContext
  readonly plan: RoutePlan
  readonly query: URLSearchParams
  readonly line: PendingSocket
}

function dialing({ parts, visit, plan, query, line }: Waiting): SendToChannel {
  return async (call, channel) => {
    const { target, credential } = channel
    const address = addressOf(channel, query)
    const unsigned = { provider: target.upstream.id, method: 'GET', url: address, headers: credential.headers } as const
    const signed = await parts.connections.headersOf({ ...unsigned, body: NOTHING })
    const refusal = await line
      .dial({
        target: address,
        headers: keyHeaders(signed),
        responseHeaders: { ...call.responseHeaders, 'x-modelmount-target': publicTargetName(target.name) },
        timeoutMs: target.upstream.timeouts.headersMs,
        open: () => new RealtimeSession({ parts, visit, plan, target, model: call.facts.model }, call, line),
      })
      .catch((error: unknown) => {
        throw call.client.isClosed ? new RelayError('client_left', 'The client left.') : toConnectionError(error)
      })
    if (refusal) throw failureOf(refusal, channel)
    call.attempts.push({ target: target.name, status: 101 })
    return { status: 101, target: target.name, contentType: '', body: NOTHING, losses: [] }
  }
}

const NOTHING = Buffer.alloc(0)

function failureOf({ status, headers, body }: HandshakeRefusal, { credential }: Channel): RelayError {
  return readErrorResponse(body, commonProtocol, credential, {
    upstreamStatus: status,
    retryAfterMs: retryAfterIn(headers),
  })
}

/** Of the client's query only what says what the session is for; the model is called as the provider calls it. */
function addressOf({ baseUrl, target }: Channel, query: URLSearchParams): string {
  const words = new URLSearchParams()
  if (query.has('model')) words.set('model', target.model)
  const intent = query.get('intent')
  if (intent) words.set('intent', intent)
  return `${baseUrl.origin}${baseUrl.pathPrefix}/realtime?${words}`
}
