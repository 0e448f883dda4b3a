import type { Call } from '../call.js'
import { RelayError } from '../errors.js'
import type { RelayRequest, RelayResponse } from '../http.js'
import { makeRequestId, readRequestId } from '../lib/ids.js'
import { now } from '../lib/time.js'
import type { ForwardRoute } from '../policies/routing/forward-routes.js'
import type { RoutePlan } from '../policies/routing/router.js'
import { fallbackProtocol } from '../protocols/index.js'
import { errorResponse, toCallerError, withHeaders } from '../requests/responses.js'
import type { Services } from '../services.js'
import { redactBody } from '../upstream/attempt/redact.js'
import { keyHeaders } from '../upstream/connection/headers.js'
import { admitCall, createCall, unreadContent } from './relay-call.js'
import type { RequestContext } from './request-context.js'

/** An admitted request whose body the relay does not read. An adapter sends it to the provider. */
export interface Forwarding {
  /** Origin, path and query at the provider. */
  readonly target: string
  /** Headers with the provider's key, which replaces the caller's. */
  readonly headers: Readonly<Record<string, string>>
  /** Headers to add to the answer. */
  readonly responseHeaders: Readonly<Record<string, string>>
  /** Timeout for the provider's response headers, in ms. */
  readonly headersMs: number
  /** Returns an error's body without the provider's key. */
  redact(body: Buffer): Buffer
  /** Settles the call when the answer has ended, with its status. Undefined if it broke off. Call it once. */
  end(status: number | undefined): void
  /** Settles the call when there is no answer, and returns the response to send instead. */
  refuse(kind: 'upstream_unreachable' | 'upstream_refused', cause?: unknown): RelayResponse
}

const EMPTY_PLAN: RoutePlan = { rule: '', strategy: 'priority', targets: [], onContextTooLong: [], onContentFilter: [] }

/** Authenticates and admits a request that the relay forwards unread. Model names and budgets do not apply to it. */
export async function forward(
  services: Services,
  request: RelayRequest,
  route: ForwardRoute,
): Promise<Forwarding | RelayResponse> {
  const id = readRequestId(request.headers['x-request-id']) ?? makeRequestId()
  const responseHeaders: Record<string, string> = { 'x-request-id': id, ...services.cors.headersFor(request) }
  try {
    const caller = await services.authenticator.authenticate(request)
    // The relay does not see what the request costs, so it cannot enforce a budget.
    if (services.budgets.capsOf(caller, Date.now()).length > 0)
      throw new RelayError('not_allowed', 'This path cannot be used with a key that has a budget.')
    const context: RequestContext = {
      id,
      startedAt: now(),
      request,
      endpoint: { method: 'POST', path: route.name, operation: 'forward', protocol: fallbackProtocol.id },
      path: { id: '', stream: undefined, query: '' },
      protocol: fallbackProtocol,
      caller,
      attempts: [],
      responseHeaders,
    }
    const call = createCall(services, context, unreadContent(route.name))
    await admitCall(services, call, EMPTY_PLAN)
    return createForwarding(call, route)
  } catch (error) {
    return withHeaders(
      errorResponse(toCallerError(error, services.logger, id), fallbackProtocol, id, []),
      responseHeaders,
    )
  }
}

const REFUSALS = {
  upstream_unreachable: 'The provider cannot be reached.',
  upstream_refused: 'The provider refuses the relay’s key.',
}

function createForwarding(call: Call, { upstream, rest }: ForwardRoute): Forwarding {
  // Always the first credential: a file stored with one may be invisible to another.
  const [credential] = upstream.credentials
  const [baseUrl] = upstream.baseUrls
  const target = `${upstream.id}/${call.facts.model}`
  return {
    target: `${baseUrl?.origin}${baseUrl?.pathPrefix}/${rest}`,
    headers: keyHeaders(credential?.headers ?? []),
    responseHeaders: { ...call.responseHeaders, 'x-modelmount-target': target },
    headersMs: upstream.timeouts.headersMs,
    redact: (body) => (credential ? Buffer.from(redactBody(body.toString(), credential)) : body),
    end(status) {
      const outcome = status !== undefined ? 'complete' : call.client.isClosed ? 'left' : 'cut'
      call.settle({ outcome, status: status ?? 499, servedBy: target })
    },
    refuse(kind, cause) {
      const error = new RelayError(kind, REFUSALS[kind], { cause })
      call.settle({ outcome: call.client.isClosed ? 'left' : 'failed', status: error.status, servedBy: target, error })
      return withHeaders(errorResponse(error, fallbackProtocol, call.id, []), call.responseHeaders)
    },
  }
}
