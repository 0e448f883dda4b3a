import type { Call } from '../call.js'
import { RelayError } from '../errors.js'
import type { RelayRequest, RelayResponse } from '../http.js'
import { makeRequestId, readRequestId } from '../lib/ids.js'
import { now } from '../lib/time.js'
import type { ForwardRoute } from '../policies/routing/forward-routes.js'
import type { RoutePlan } from '../policies/routing/router.js'
import { commonProtocol } from '../protocols/index.js'
import { errorResponse, toCallerError, withHeaders } from '../requests/responses.js'
import type { Services } from '../services.js'
import { redactBody } from '../upstream/attempt/redact.js'
import { keyHeaders } from '../upstream/connection/headers.js'
import { admitCall, createCall, unreadRequest } from './relay-call.js'

/** A request that has been let in, and is now passed on unread by whoever has its socket. */
export interface Forwarding {
  /** Where to: origin, path and query. */
  readonly target: string
  /** In place of the caller's own: the provider's key. */
  readonly headers: Readonly<Record<string, string>>
  /** For the answer. */
  readonly responseHeaders: Readonly<Record<string, string>>
  /** How long the provider may keep silent. In ms. */
  readonly headersMs: number
  /** An error's body as the caller may see it. */
  redact(body: Buffer): Buffer
  /** The answer has ended; undefined when it was broken off. Once. */
  end(status: number | undefined): void
  /** There will be none: what to tell instead. */
  refuse(kind: 'upstream_unreachable' | 'upstream_refused', cause?: unknown): RelayResponse
}

const NO_PLAN: RoutePlan = { rule: '', strategy: 'priority', targets: [], onContextTooLong: [], onContentFilter: [] }

/** Lets a request in that nobody will read: by key, models' names aside, and by limits. */
export async function forward(
  parts: Services,
  request: RelayRequest,
  route: ForwardRoute,
): Promise<Forwarding | RelayResponse> {
  const id = readRequestId(request.headers['x-request-id']) ?? makeRequestId()
  const told: Record<string, string> = { 'x-request-id': id, ...parts.cors.headersFor(request) }
  try {
    const caller = await parts.authenticator.authenticate(request)
    // What it costs nobody can tell from outside: a budget would be a sieve.
    if (parts.budgets.capsOf(caller, Date.now()).length > 0)
      throw new RelayError('not_allowed', 'This path cannot be used with a key that has a budget.')
    const call = callFor(parts, { request, route, caller, id, told })
    await admitCall(parts, call, NO_PLAN)
    return forwarding(call, route)
  } catch (error) {
    return withHeaders(errorResponse(toCallerError(error, parts.logger, id), commonProtocol, id, []), told)
  }
}

interface Arrived {
  readonly request: RelayRequest
  readonly route: ForwardRoute
  readonly caller: Call['caller']
  readonly id: string
  readonly told: Record<string, string>
}

function callFor(parts: Services, { request, route, caller, id, told }: Arrived): Call {
  const endpoint = { method: 'POST', path: route.name, operation: 'forward', protocol: commonProtocol.id } as const
  const path = { id: '', stream: undefined, query: '' }
  const visit = {
    id,
    startedAt: now(),
    request,
    endpoint,
    path,
    protocol: commonProtocol,
    caller,
    attempts: [],
    responseHeaders: told,
  }
  return createCall(parts, visit, unreadRequest(route.name))
}

function forwarding(call: Call, { upstream, rest }: ForwardRoute): Forwarding {
  // What one credential has stored another may not find: always the first.
  const [credential] = upstream.credentials
  const [place] = upstream.baseUrls
  const target = `${upstream.id}/${call.facts.model}`
  return {
    target: `${place?.origin}${place?.pathPrefix}/${rest}`,
    headers: keyHeaders(credential?.headers ?? []),
    responseHeaders: { ...call.responseHeaders, 'x-modelmount-target': target },
    headersMs: upstream.timeouts.headersMs,
    redact: (body) => (credential ? Buffer.from(redactBody(body.toString(), credential)) : body),
    end(status) {
      const outcome = status !== undefined ? 'complete' : call.client.isClosed ? 'left' : 'cut'
      call.settle({ outcome, status: status ?? 499, servedBy: target })
    },
    refuse(kind, cause) {
      const words = { upstream_unreachable: 'cannot be reached', upstream_refused: 'does not take the relay’s key' }
      const error = new RelayError(kind, `The provider ${words[kind]}.`, { cause })
      call.settle({ outcome: call.client.isClosed ? 'left' : 'failed', status: error.status, servedBy: target, error })
      return withHeaders(errorResponse(error, commonProtocol, call.id, []), call.responseHeaders)
    },
  }
}
