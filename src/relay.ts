import { answerError, answerJson, answerReply } from './answers.js'
import { readBody } from './body.js'
import type { Attempt, Call, Caller } from './call.js'
import { type Endpoint, findEndpoints, type Match } from './endpoints.js'
import { RelayError } from './errors.js'
import type { RelayRequest, RelayResponse } from './http.js'
import { codeOf } from './lib/codes.js'
import { makeRequestId, readRequestId } from './lib/ids.js'
import { now } from './lib/time.js'
import { findModel, listModels } from './operations/models.js'
import type { RelayOptions } from './options.js'
import { assemble, type Parts } from './parts.js'
import { type Explanation, explain } from './policies/explain.js'
import { failover } from './policies/failover.js'
import { type Plan, route } from './policies/route.js'
import { protocolOf } from './protocols/index.js'
import type { Reply } from './upstream/exchange.js'
import { passedOn } from './upstream/headers.js'

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
  return {
    handle(request) {
      const match = findEndpoints(request)
      return match && serve(parts, request, match)
    },
    get models() {
      return parts.router.rules
    },
    explain: (model, caller) => explain({ ...parts, health: parts.means.health }, model, caller),
    async close() {
      await parts.running.close(parts.config.shutdownMs)
      await parts.means.connections.destroy()
      await parts.means.paces.close()
    },
  }
}

/** The path of a request, top to bottom. Whatever is thrown on it ends as an answer in the caller's language. */
async function serve(parts: Parts, request: RelayRequest, match: Match): Promise<RelayResponse> {
  const startedAt = now()
  const id = readRequestId(request.headers['x-request-id']) ?? makeRequestId()
  const attempts: Attempt[] = []
  const protocol = protocolOf(match.endpoints[0].protocol)
  try {
    const { operation } = endpointFor(request.method, match)
    const found = parts.gate.authenticate(request)
    const caller = found instanceof Promise ? await found : found
    if (operation === 'models') return answerJson(protocol.writeModels(listModels(parts, caller)), id)
    if (operation === 'model') return answerJson(protocol.writeModel(findModel(parts, caller, match.id)), id)
    const body = await readBody(request, parts.config.maxBodyBytes)
    const facts = protocol.readFacts(body)
    const plan = route(parts.router, facts.model, caller, parts.gate.mayUse)
    const { departure, headers } = request
    const passedHeaders = passedOn(headers, protocol.passedHeaders)
    const affinity = String(headers['x-session-id'] ?? headers['x-session-affinity'] ?? caller.id)
    const settle: Call['settle'] = (end) => {
      parts.running.end()
      parts.account.settle(call, end)
    }
    const call: Call = {
      id,
      startedAt,
      operation,
      protocol,
      caller,
      facts,
      body,
      passedHeaders,
      departure,
      affinity,
      attempts,
      settle,
    }
    return answerReply(await relay(parts, call, plan), id, attempts)
  } catch (error) {
    return answerError(told(error, parts, id), protocol, id, attempts)
  }
}

/** From admission to the first output. After that the answer settles the call itself, when its body ends. */
async function relay({ running, plugins, means, logger }: Parts, call: Call, plan: Plan): Promise<Reply> {
  running.begin()
  try {
    const { id: requestId, caller, operation, facts } = call
    for (const plugin of plugins)
      await plugin.admitted?.({ requestId, caller, operation, model: facts.model, stream: facts.stream })
    return await failover(call, plan, means)
  } catch (error) {
    const known = error instanceof RelayError ? error : undefined
    call.settle({
      outcome: known?.kind === 'client_left' ? 'left' : 'failed',
      status: known?.status ?? 500,
      error: known,
    })
    if (known?.blame)
      logger.warn(
        { requestId: call.id, attempts: call.attempts, error: known.message, cause: brief(known.cause) },
        'a call failed',
      )
    throw error
  }
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

/** What lay behind a failure, without the stack and the sockets that come with it. */
function brief(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause
  const code = codeOf(cause)
  return code ? `${code}: ${cause.message}` : cause.message
}
