import { RelayError } from '../errors.js'
import { allTargets, filterTargets } from '../policies/routing/router.js'
import { createEmbeddingTranscoder, embeddingProtocol } from '../upstream/transcode/embedding-transcoder.js'
import { maxInputsPerRequest, sendInBatches } from './embedding-batches.js'
import { relayedResponse, routeCall, sendWith } from './relay-call.js'
import type { OperationHandler } from './request-context.js'

/** OpenAI's limit. Without one, a single request could cause ten thousand batches. */
const MAX_INPUTS = 2048

/** Relays a request for embeddings to a target that has them, in several requests where the target accepts fewer inputs. */
export const embeddings: OperationHandler = async (services, context) => {
  const { protocol } = context
  const { embedding } = protocol
  if (!embedding) throw new RelayError('unknown_path', 'This protocol has no embeddings.')
  const { call, plan } = await routeCall(services, context, { readFacts: embedding.readFacts })
  const request = embedding.readRequest(call.body)
  const count = request.inputs.length
  const capable = filterTargets(plan, (target) => embeddingProtocol(target, protocol) !== undefined)
  // An upstream of the caller's own protocol checks the number of inputs itself.
  const suitable = filterTargets(capable, (target) => count <= Math.max(MAX_INPUTS, maxInputsPerRequest(target, call)))
  if (capable.targets.length === 0)
    throw new RelayError('invalid_request', `The model \`${call.facts.model}\` has no embeddings.`, { param: 'model' })
  if (suitable.targets.length === 0)
    throw new RelayError('invalid_request', `input: at most ${MAX_INPUTS} inputs are accepted at once`, {
      param: 'input',
    })
  const needsBatches = allTargets(suitable).some((target) => count > maxInputsPerRequest(target, call))
  const send = needsBatches ? sendInBatches(services, request) : sendWith(services, createEmbeddingTranscoder)
  return relayedResponse(services, context, { call, plan: suitable }, send)
}
