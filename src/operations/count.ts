import { answerJson, answerReply } from '../answers.js'
import type { Call } from '../call.js'
import type { ChatRequest } from '../chat/request.js'
import { RelayError } from '../errors.js'
import { countingLanguage, openCount } from '../upstream/count.js'
import { estimateTokens } from './estimate.js'
import type { Perform } from './operation.js'
import { relayCall, routeCall } from './relayed.js'

/** How many tokens a conversation has: asked of its model where that can be asked, else estimated. */
export const count: Perform = async (parts, visit) => {
  const { protocol, id, attempts } = visit
  const { counting } = protocol
  if (!counting) throw new RelayError('unknown_path', 'This language has no counting.')
  const routed = await routeCall(parts, visit, { open: openCount, readFacts: protocol.readFacts })
  const { call, plan } = routed
  const targets = plan.targets.filter((target) => countingLanguage(target, protocol))
  if (targets.length > 0) return answerReply(await relayCall(parts, { call, plan: { ...plan, targets } }), id, attempts)
  const tokens = (parts.countTokens ?? estimateTokens)(conversation(call), call.facts.model)
  const response = answerJson(Buffer.from(counting.writeCount(tokens)), id)
  return { ...response, headers: { ...response.headers, 'x-modelmount-losses': 'count: estimated by the relay' } }
}

function conversation({ protocol, body, path }: Call): ChatRequest {
  return (protocol.counting ?? protocol).readRequest(body, path)
}
