import type { AttemptLog, Budget, Caller } from './call.js'
import { type Endpoint, findEndpoints, type Match, pathFacts } from './endpoints.js'
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

/** An LLM relay without a server: an adapter brings it requests. */
export interface Relay {
  /** Answers a request; undefined if its path is none of ours. It never rejects: what goes wrong is told to the client. */
  handle(request: RelayRequest): Promise<RelayResponse> | undefined
  /** Lets a request in that is to be passed on unread, for an adapter to pass on; undefined if its path is none of the config's `forward`. */
  forward(request: RelayRequest): Promise<Forwarding | RelayResponse> | undefined
  /** Lets a WebSocket in, for an adapter to open; undefined if its path has none. */
  upgrade(request: RelayRequest): Promise<Upgrade | RelayResponse> | undefined
  /** The names that `models` holds, as they are written there: exact ones first, then those with wildcards. */
  readonly models: readonly string[]
  /** What would be done with a model name, for a caller or for anyone. */
  explain(model: string, caller?: Caller): Explanation
  /** How a key or group (`key:alice`, `group:vip`) stands in its budget's present period: `total` when left out. In nano-dollars. */
  balance(account: string, per?: Budget['per']): Promise<Balance>
  /** The usage records that are kept: see `usage.keep` and `store.sql`. Undefined where none are. */
  readonly usage: UsageReader | undefined
  /** Resolves when the stores are open. Calls need not wait for it. @throws {Error} when one cannot be opened */
  ready(): Promise<void>
  /** Takes no more calls, lets the running ones finish for up to `shutdownMs`, then breaks them off. */
  close(): Promise<void>
}

/** Makes a relay. @throws {ConfigError} with one line for every fault */
export function createRelay(options: RelayOptions): Relay {
  const parts = createServices(options)
  let closed: Promise<void> | undefined
  const handle: Relay['handle'] = (request) => {
    const match = findEndpoints(request)
    return match && serve(parts, request, match)
  }
  return {
    handle,
    forward(request) {
      const route = parts.forwardRoutes.find(request)
      return route && forward(parts, request, route)
    },
    upgrade: (request) => upgrade(parts, request, handle),
    get models() {
      return parts.router.rules
    },
    explain: (model, caller) => explain({ ...parts, health: parts.means.health }, model, caller),
    async balance(account, per = 'total') {
      return await parts.stores.ledger.balance(account, periodAt(Date.now(), per))
    },
    get usage() {
      return parts.stores.usage
    },
    ready: () => parts.stores.ready(),
    close() {
      closed ??= close(parts)
      return closed
    },
  }
}

async function close({ activeCalls, sockets, config, means, stores, modelLists }: Services): Promise<void> {
  modelLists.close()
  await Promise.all([activeCalls.close(config.shutdownMs), sockets.close(config.shutdownMs)])
  await means.connections.destroy()
  await means.paces.close()
  await stores.close()
}

/** The path of a request. Whatever is thrown on it ends as an answer in the caller's language. */
async function serve(parts: Services, request: RelayRequest, match: Match): Promise<RelayResponse> {
  const startedAt = now()
  const id = readRequestId(request.headers['x-request-id']) ?? makeRequestId()
  const attempts: AttemptLog[] = []
  const told: Record<string, string> = {}
  const protocol = protocolOf(match.endpoints[0].protocol)
  const preflight = parts.cors.preflight(request)
  if (preflight) return withHeaders(preflight, { 'x-request-id': id })
  Object.assign(told, parts.cors.headersFor(request))
  // The request's id once more, by the name that clients of the language look for.
  if (protocol.requestIdHeader) told[protocol.requestIdHeader] = id
  try {
    const endpoint = endpointFor(request.method, match)
    const found = parts.authenticator.authenticate(request)
    const caller = found instanceof Promise ? await found : found
    const visit: RequestContext = {
      id,
      startedAt,
      request,
      endpoint,
      path: pathFacts(endpoint, match),
      protocol,
      caller,
      attempts,
      responseHeaders: told,
    }
    return withHeaders(await operations[endpoint.operation](parts, visit), told)
  } catch (error) {
    return withHeaders(errorResponse(toCallerError(error, parts.logger, id), protocol, id, attempts), told)
  }
}

function endpointFor(method: string, { endpoints }: Match): Endpoint {
  const wanted = method === 'HEAD' ? 'GET' : method
  const found = endpoints.find((endpoint) => endpoint.method === wanted)
  if (found) return found
  const allow = endpoints.map((endpoint) => endpoint.method).join(', ')
  throw new RelayError('wrong_method', `Not allowed to ${method} here; use ${allow}.`, { headers: { allow } })
}
