import type { Call } from '../call.js'
import type { Loss } from '../chat/losses.js'
import { RelayError } from '../errors.js'
import { filterTargets } from '../policies/routing/router.js'
import type { Services } from '../services.js'
import type { Reply } from '../upstream/attempt/reply.js'
import { countingProtocol, createCountTranscoder } from '../upstream/transcode/count-transcoder.js'
import { estimateConversationTokens } from './estimate-tokens.js'
import { relayedResponse, routeCall, sendWith } from './relay-call.js'
import type { OperationHandler } from './request-context.js'

/** Counts the tokens of a conversation. Uses a target that can count, else an estimate. */
export const countTokens: OperationHandler = async (services, context) => {
  const { protocol } = context
  if (!protocol.tokenCounting) throw new RelayError('unknown_path', 'This protocol has no token counting.')
  const { call, plan } = await routeCall(services, context, { readFacts: protocol.readFacts })
  const capable = filterTargets(plan, (target) => countingProtocol(target, protocol) !== undefined)
  return capable.targets.length > 0
    ? relayedResponse(services, context, { call, plan: capable }, sendWith(services, createCountTranscoder))
    : relayedResponse(services, context, { call, plan }, async (counted) => estimateReply(services, counted))
}

const ESTIMATE_LOSSES: readonly Loss[] = [{ path: 'count', reason: 'estimated by the relay' }]

function estimateReply({ countTokens = estimateConversationTokens }: Services, call: Call): Reply {
  const { protocol, body, path, facts } = call
  const conversation = (protocol.tokenCounting ?? protocol).readRequest(body, path)
  const tokens = countTokens(conversation, facts.model)
  call.settle({ outcome: 'complete', status: 200, losses: ESTIMATE_LOSSES })
  return {
    status: 200,
    target: '',
    contentType: '',
    body: Buffer.from(protocol.tokenCounting?.writeCount(tokens) ?? ''),
    losses: ESTIMATE_LOSSES,
  }
}
