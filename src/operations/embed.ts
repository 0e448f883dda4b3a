import { answerReply } from '../answers.js'
import { RelayError } from '../errors.js'
import { failover } from '../policies/failover.js'
import { narrowed, targetsOf } from '../policies/route.js'
import { embeddingLanguage, openEmbedding } from '../upstream/embed.js'
import { inBatches, mostAtOnce } from './embed-batches.js'
import type { Perform } from './operation.js'
import { relayCall, routeCall, type Send } from './relayed.js'

/** As many as OpenAI takes. Without a bound one request could ask for ten thousand batches. */
const MOST_INPUTS = 2048

/** Embeddings: of those targets that have any. */
export const embed: Perform = async (parts, visit) => {
  const { protocol, id, attempts } = visit
  const { embedding } = protocol
  if (!embedding) throw new RelayError('unknown_path', 'This language has no embeddings.')
  const { call, plan } = await routeCall(parts, visit, { open: openEmbedding, readFacts: embedding.readFacts })
  const request = embedding.readRequest(call.body)
  const count = request.inputs.length
  const able = narrowed(plan, (target) => embeddingLanguage(target, protocol) !== undefined)
  // What goes on as it came is the upstream's to judge.
  const suited = narrowed(able, (target) => count <= Math.max(MOST_INPUTS, mostAtOnce(target, call)))
  if (able.targets.length === 0)
    throw new RelayError('invalid_request', `The model \`${call.facts.model}\` has no embeddings.`, { param: 'model' })
  if (suited.targets.length === 0)
    throw new RelayError('invalid_request', `input: at most ${MOST_INPUTS} are taken at once`, { param: 'input' })
  const isMuch = targetsOf(suited).some((target) => count > mostAtOnce(target, call))
  const send: Send = ({ means }, sent, way) => failover(sent, way, { ...means, send: inBatches(request) })
  return answerReply(await relayCall(parts, { call, plan: suited }, isMuch ? send : undefined), id, attempts)
}
