import { answerReply } from '../answers.js'
import { RelayError } from '../errors.js'
import { failover } from '../policies/failover.js'
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
  const able = plan.targets.filter((target) => embeddingLanguage(target, protocol))
  // What goes on as it came is the upstream's to judge.
  const targets = able.filter((target) => count <= Math.max(MOST_INPUTS, mostAtOnce(target, call)))
  if (able.length === 0)
    throw new RelayError('invalid_request', `The model \`${call.facts.model}\` has no embeddings.`, { param: 'model' })
  if (targets.length === 0)
    throw new RelayError('invalid_request', `input: at most ${MOST_INPUTS} are taken at once`, { param: 'input' })
  const isMuch = targets.some((target) => count > mostAtOnce(target, call))
  const send: Send = ({ means }, sent, way) => failover(sent, way, { ...means, send: inBatches(request) })
  const routed = { call, plan: { ...plan, targets } }
  return answerReply(await relayCall(parts, routed, isMuch ? send : undefined), id, attempts)
}
