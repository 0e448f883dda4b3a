import type { AttemptLog } from './call.js'
import type { Budget, Caller } from './caller.js'
import { type Endpoint, type EndpointMatch, findEndpoints, pathFacts } from './endpoints.js'
import { RelayError } from './errors.js'
import type { RelayRequest, RelayResponse } from './http.js'
import { makeRequestId, readRequestId } from './lib/ids.js'
import { now } from './lib/time.js'
import { type Forwarding, forward } from './operations/forward.js'
import { operations } from './operations/index.js'
import type { RequestContext } from './operations/request-context.js'
import { type Upgrade, upgrade } from './operations/sockets/upgrade.js'
import type { RelayOptions } from './options.js'
import { periodAt } from './policies/admission/budgets.js'
import { type Explanation, explain } from './policies/routing/explain.js'
import { protocolOf } from './protocols/index.js'
import { errorResponse, toCallerError, withHeaders } from './requests/responses.js'
import { createServices, type Services } from './services.js'
import type { Balance } from './stores/ledger.js'
import type { UsageReader } from './stores/usage.js'

/** An LLM relay without a server. An adapter passes it the requests of a framework. */
export interface Relay {
  /** Answers a request; returns undefined for a path that is not the relay's. Never rejects: errors become responses. */
  handle(request: RelayRequest): Promise<RelayResponse> | undefined
  /** Admits a request that an adapter then forwards unread; returns undefined for a path that the config's `forward` does not name. */
  forward(request: RelayRequest): Promise<Forwarding | RelayResponse> | undefined
  /** Admits a WebSocket that an adapter then opens; returns undefined for a path without WebSockets. */
  upgrade(request: RelayRequest): Promise<Upgrade | RelayResponse> | undefined
  /** The names under `models`, as the config has them: exact names first, then those with wildcards. */
  readonly models: readonly string[]
  /** Shows what a model name resolves to, for a caller or in general. Sends nothing and counts nothing. */
  explain(model: string, caller?: Caller): Explanation
  /** The spending of a key or group (`key:alice`, `group:vip`) in the current period, in nano-dollars. Default period: `total`. */
  balance(account: string, per?: Budget['per']): Promise<Balance>
  /** The stored usage records: see `usage.keep` and `store.sql`. Undefined where none are stored. */
  readonly usage: UsageReader | undefined
  /** Resolves when the stores are open. Calls need not wait for it. @throws {Error} when a store cannot be opened */
  ready(): Promise<void>
  /** Refuses new calls, lets running ones finish for up to `shutdownMs`, then aborts them. */
  close(): Promise<void>
}

/** Creates a relay. @throws {ConfigError} with one line per fault */
export function createRelay(options: RelayOptions): Relay {
  const services = createServices(options)
  let closed: Promise<void> | undefined
  const handle: Relay['handle'] = (request) => {
    const match = findEndpoints(request)
    return match && serve(services, request, match)
  }
  return {
    handle,
    forward(request) {
      const route = services.forwardRoutes.find(request)
      return route && forward(services, request, route)
    },
    upgrade: (request) => upgrade(services, request, handle),
    get models() {
      return services.router.rules
    },
    explain: (model, caller) => explain(services, model, caller),
    async balance(account, per = 'total') {
      return await services.stores.ledger.balance(account, periodAt(Date.now(), per))
    },
    get usage() {
      return services.stores.usage
    },
    ready: () => services.stores.ready(),
    close() {
      closed ??= close(services)
      return closed
    },
  }
}

async function close({
  activeCalls,
  sockets,
  config,
  connections,
  pacing,
  stores,
  modelLists,
}: Services): Promise<void> {
  modelLists.close()
  await Promise.all([activeCalls.close(config.shutdownMs), sockets.close(config.shutdownMs)])
  await connections.destroy()
  await pacing.close()
  await stores.close()
}

/** The path of a request: preflight, endpoint, caller, operation. Any error ends as a response in the caller's protocol. */
async function serve(services: Services, request: RelayRequest, match: EndpointMatch): Promise<RelayResponse> {
  const startedAt = now()
  const id = readRequestId(request.headers['x-request-id']) ?? makeRequestId()
  const attempts: AttemptLog[] = []
  const responseHeaders: Record<string, string> = {}
  const protocol = protocolOf(match.endpoints[0].protocol)
  const preflight = services.cors.preflight(request)
  if (preflight) return withHeaders(preflight, { 'x-request-id': id })
  Object.assign(responseHeaders, services.cors.headersFor(request))
  // Clients of some protocols look for the request id under another name.
  if (protocol.requestIdHeader) responseHeaders[protocol.requestIdHeader] = id
  try {
    const endpoint = endpointFor(request.method, match)
    const authenticated = services.authenticator.authenticate(request)
    const caller = authenticated instanceof Promise ? await authenticated : authenticated
    const context: RequestContext = {
      id,
      startedAt,
      request,
      endpoint,
      path: pathFacts(endpoint, match),
      protocol,
      caller,
      attempts,
      responseHeaders,
    }
    return withHeaders(await operations[endpoint.operation](services, context), responseHeaders)
  } catch (error) {
    const callerError = toCallerError(error, services.logger, id)
    return withHeaders(errorResponse(callerError, protocol, id, attempts), responseHeaders)
  }
}

/** The endpoint of a path for a method. HEAD is served like GET. @throws {RelayError} 405 */
function endpointFor(method: string, { endpoints }: EndpointMatch): Endpoint {
  const wanted = method === 'HEAD' ? 'GET' : method
  const found = endpoints.find((endpoint) => endpoint.method === wanted)
  if (found) return found
  const allow = endpoints.map((endpoint) => endpoint.method).join(', ')
  throw new RelayError('wrong_method', `Not allowed to ${method} here; use ${allow}.`, { headers: { allow } })
}
