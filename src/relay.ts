import { answerError } from './answers.js'
import type { Attempt, Caller } from './call.js'
import { type Endpoint, findEndpoints, type Match, pathFacts } from './endpoints.js'
import { RelayError } from './errors.js'
import type { RelayRequest, RelayResponse } from './http.js'
import { makeRequestId, readRequestId } from './lib/ids.js'
import { now } from './lib/time.js'
import { operations } from './operations/index.js'
import type { RelayOptions } from './options.js'
import { assemble, type Parts } from './parts.js'
import { type Explanation, explain } from './policies/explain.js'
import { protocolOf } from './protocols/index.js'
import type { Protocol } from './protocols/protocol.js'

/** An LLM relay without a server: an adapter brings it requests. */
export interface Relay {
  /** Answers a request; undefined if its path is none of ours. It never rejects: what goes wrong is told to the client. */
  handle(request: RelayRequest): Promise<RelayResponse> | undefined
  /** The names that `models` holds, as they are written there: exact ones first, then those with wildcards. */
  readonly models: readonly string[]
  /** What would be done with a model name, for a caller or for anyone. */
  explain(model: string, caller?: Caller): Explanation
  /** Takes no more calls, lets the running ones finish for up to `shutdownMs`, then breaks them off. */
  close(): Promise<void>
}

/** Makes a relay. @throws {ConfigError} with one line for every fault */
export function createRelay(options: RelayOptions): Relay {
  const parts = assemble(options)
  let closed: Promise<void> | undefined
  return {
    handle(request) {
      const match = findEndpoints(request)
      return match && serve(parts, request, match)
    },
    get models() {
      return parts.router.rules
    },
    explain: (model, caller) => explain({ ...parts, health: parts.means.health }, model, caller),
    close() {
      closed ??= close(parts)
      return closed
    },
  }
}

async function close({ running, config, means }: Parts): Promise<void> {
  await running.close(config.shutdownMs)
  await means.connections.destroy()
  await means.paces.close()
}

/** The path of a request. Whatever is thrown on it ends as an answer in the caller's language. */
async function serve(parts: Parts, request: RelayRequest, match: Match): Promise<RelayResponse> {
  const startedAt = now()
  const id = readRequestId(request.headers['x-request-id']) ?? makeRequestId()
  const attempts: Attempt[] = []
  const protocol = protocolOf(match.endpoints[0].protocol)
  try {
    const endpoint = endpointFor(request.method, match)
    const found = parts.gate.authenticate(request)
    const caller = found instanceof Promise ? await found : found
    const visit = { id, startedAt, request, endpoint, path: pathFacts(endpoint, match), protocol, caller, attempts }
    return withRequestId(await operations[endpoint.operation](parts, visit), protocol, id)
  } catch (error) {
    return withRequestId(answerError(told(error, parts, id), protocol, id, attempts), protocol, id)
  }
}

/** The request's id once more, by the name that clients of the language look for. */
function withRequestId(response: RelayResponse, { requestIdHeader: name }: Protocol, id: string): RelayResponse {
  return name ? { ...response, headers: { ...response.headers, [name]: id } } : response
}

function endpointFor(method: string, { endpoints }: Match): Endpoint {
  const wanted = method === 'HEAD' ? 'GET' : method
  const found = endpoints.find((endpoint) => endpoint.method === wanted)
  if (found) return found
  const allow = endpoints.map((endpoint) => endpoint.method).join(', ')
  throw new RelayError('wrong_method', `Not allowed to ${method} here; use ${allow}.`, { headers: { allow } })
}

/** An error fit to be told. One that is not our own is a bug or the host's trouble: its text stays here. */
function told(error: unknown, { logger }: Parts, requestId: string): RelayError {
  if (error instanceof RelayError) return error
  logger.error({ requestId, error }, 'a request failed unexpectedly')
  return new RelayError('internal', 'The relay failed to handle this request.')
}
