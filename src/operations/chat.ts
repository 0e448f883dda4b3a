import { answerReply } from '../answers.js'
import { readBody } from '../body.js'
import type { Call, RequestFacts } from '../call.js'
import { RelayError } from '../errors.js'
import { codeOf } from '../lib/codes.js'
import type { Parts } from '../parts.js'
import { failover } from '../policies/failover.js'
import { type Plan, route } from '../policies/route.js'
import { passedOn } from '../upstream/headers.js'
import type { Reply } from '../upstream/reply.js'
import type { Perform, Visit } from './operation.js'

/** A conversation: its model is routed, its bytes go on, and the answer comes back whole or as it grows. */
export const chat: Perform = async (parts, visit) => {
  const { request, protocol, path, caller, attempts, id } = visit
  const body = await readBody(request, parts.config.maxBodyBytes)
  const facts = protocol.readFacts(body, path)
  const plan = route(parts.router, facts.model, parts.gate.mayUse(caller, facts.model))
  return answerReply(await relay(parts, callOf(parts, visit, facts, body), plan), id, attempts)
}

function callOf({ running, account }: Parts, visit: Visit, facts: RequestFacts, body: Buffer): Call {
  const { id, startedAt, endpoint, path, protocol, caller, attempts, request } = visit
  const { headers, departure } = request
  const call: Call = {
    id,
    startedAt,
    operation: endpoint.operation,
    protocol,
    caller,
    path,
    facts,
    body,
    conversation: undefined,
    passedHeaders: passedOn(headers, protocol.passedHeaders),
    departure,
    affinity: String(headers['x-session-id'] ?? headers['x-session-affinity'] ?? caller.id),
    attempts,
    settle(end) {
      running.end()
      account.settle(call, end)
    },
  }
  return call
}

/** From admission to the first output. After that the answer settles the call itself, when its body ends. */
async function relay({ running, plugins, means, logger }: Parts, call: Call, plan: Plan): Promise<Reply> {
  running.begin()
  try {
    const { id: requestId, caller, operation, facts } = call
    const { model, stream } = facts
    for (const plugin of plugins) await plugin.admitted?.({ requestId, caller, operation, model, stream })
    return await failover(call, plan, means)
  } catch (error) {
    const known = error instanceof RelayError ? error : undefined
    const outcome = known?.kind === 'client_left' ? 'left' : 'failed'
    call.settle({ outcome, status: known?.status ?? 500, error: known })
    if (known?.blame) logger.warn(failureOf(call, known), 'a call failed')
    throw error
  }
}

/** What the operator should know of a failure, without the stack and the sockets that come with it. */
function failureOf({ id: requestId, attempts }: Call, { message, cause }: RelayError): object {
  const code = codeOf(cause)
  const reason = cause instanceof Error ? `${code && `${code}: `}${cause.message}` : cause
  return { requestId, attempts, error: message, cause: reason }
}
