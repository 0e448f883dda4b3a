import { answerReply } from '../answers.js'
import { RelayError } from '../errors.js'
import { embeddingLanguage, openEmbedding } from '../upstream/embed.js'
import type { Perform } from './operation.js'
import { relayCall, routeCall } from './relayed.js'

/** Embeddings: of those targets that have any. */
export const embed: Perform = async (parts, visit) => {
  const { protocol, id, attempts } = visit
  const { embedding } = protocol
  if (!embedding) throw new RelayError('unknown_path', 'This language has no embeddings.')
  const { call, plan } = await routeCall(parts, visit, { open: openEmbedding, readFacts: embedding.readFacts })
  const { inputs } = embedding.readRequest(call.body)
  const able = plan.targets.filter((target) => embeddingLanguage(target, protocol))
  const targets = able.filter(
    (target) => inputs.length <= (embeddingLanguage(target, protocol)?.embedding?.mostInputs ?? 0),
  )
  if (targets.length > 0) return answerReply(await relayCall(parts, { call, plan: { ...plan, targets } }), id, attempts)
  const [first] = able
  if (!first)
    throw new RelayError('invalid_request', `The model \`${call.facts.model}\` has no embeddings.`, { param: 'model' })
  const most = embeddingLanguage(first, protocol)?.embedding?.mostInputs
  throw new RelayError('invalid_request', `input: this model takes at most ${most} at once`, { param: 'input' })
}
