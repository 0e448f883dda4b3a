import { RelayError } from '../errors.js'
import { failover } from '../policies/failover/failover.js'
import { allTargets, filterTargets } from '../policies/routing/router.js'
import { replyResponse } from '../requests/responses.js'
import { createEmbeddingTranscoder, embeddingProtocol } from '../upstream/transcode/embedding-transcoder.js'
import { inBatches, mostAtOnce } from './embedding-batches.js'
import { relayCall, routeCall, type SendCall } from './relay-call.js'
import type { OperationHandler } from './request-context.js'

/** As many as OpenAI takes. Without a bound one request could ask for ten thousand batches. */
const MOST_INPUTS = 2048

/** Embeddings: of those targets that have any. */
export const embed: OperationHandler = async (parts, visit) => {
  const { protocol, id, attempts } = visit
  const { embedding } = protocol
  if (!embedding) throw new RelayError('unknown_path', 'This language has no embeddings.')
  const { call, plan } = await routeCall(parts, visit, {
    open: createEmbeddingTranscoder,
    readFacts: embedding.readFacts,
  })
  const request = embedding.readRequest(call.body)
  const count = request.inputs.length
  const able = filterTargets(plan, (target) => embeddingProtocol(target, protocol) !== undefined)
  // What goes on as it came is the upstream's to judge.
  const suited = filterTargets(able, (target) => count <= Math.max(MOST_INPUTS, mostAtOnce(target, call)))
  if (able.targets.length === 0)
    throw new RelayError('invalid_request', `The model \`${call.facts.model}\` has no embeddings.`, { param: 'model' })
  if (suited.targets.length === 0)
    throw new RelayError('invalid_request', `input: at most ${MOST_INPUTS} are taken at once`, { param: 'input' })
  const isMuch = allTargets(suited).some((target) => count > mostAtOnce(target, call))
  const send: SendCall = ({ means }, sent, way) => failover(sent, way, { ...means, send: inBatches(request) })
  return replyResponse(await relayCall(parts, { call, plan: suited }, isMuch ? send : undefined), id, attempts)
}
