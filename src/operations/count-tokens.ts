import type { Call } from '../call.js'
import type { Loss } from '../chat/losses.js'
import type { ChatRequest } from '../chat/request.js'
import { RelayError } from '../errors.js'
import { filterTargets } from '../policies/routing/router.js'
import { replyResponse } from '../requests/responses.js'
import { countingProtocol, createCountTranscoder } from '../upstream/transcode/count-transcoder.js'
import { estimateTokens } from './estimate.js'
import { relayCall, routeCall, type SendCall } from './relay-call.js'
import type { OperationHandler } from './request-context.js'

/** How many tokens a conversation has: asked of its model where that can be asked, else estimated. */
export const count: OperationHandler = async (parts, visit) => {
  const { protocol, id, attempts } = visit
  const { counting } = protocol
  if (!counting) throw new RelayError('unknown_path', 'This language has no counting.')
  const routed = await routeCall(parts, visit, { open: createCountTranscoder, readFacts: protocol.readFacts })
  const able = filterTargets(routed.plan, (target) => countingProtocol(target, protocol) !== undefined)
  const reply =
    able.targets.length > 0
      ? await relayCall(parts, { call: routed.call, plan: able })
      : await relayCall(parts, routed, estimateCount)
  return replyResponse(reply, id, attempts)
}

const ESTIMATED: readonly Loss[] = [{ path: 'count', reason: 'estimated by the relay' }]

/** Where no target can be asked. */
const estimateCount: SendCall = async ({ countTokens = estimateTokens }, call) => {
  const tokens = countTokens(conversation(call), call.facts.model)
  const body = Buffer.from(call.protocol.counting?.writeCount(tokens) ?? '')
  call.settle({ outcome: 'complete', status: 200, losses: ESTIMATED })
  return { status: 200, target: '', contentType: '', body, losses: ESTIMATED }
}

function conversation({ protocol, body, path }: Call): ChatRequest {
  return (protocol.counting ?? protocol).readRequest(body, path)
}
