import type { Call } from '../call.js'
import { sumOf } from '../chat/usage.js'
import type { EmbeddingRequest } from '../protocols/embedding.js'
import type { Services } from '../services.js'
import type { Channel, Target } from '../targets.js'
import type { AttemptSender } from '../upstream/attempt/attempt.js'
import type { Reply } from '../upstream/attempt/reply.js'
import {
  createBatchTranscoder,
  createEmbeddingTranscoder,
  type EmbeddingBatch,
  embeddingProtocol,
} from '../upstream/transcode/embedding-transcoder.js'
import { completeFanOut, fanOut } from './fan-out.js'
import type { SendCall } from './relay-call.js'

/**
 * Sends the inputs in batches to a target that accepts fewer at once. All vectors of an answer come from one target,
 * because vectors of different models cannot be compared.
 */
export function sendInBatches({ failover, attempts }: Services, request: EmbeddingRequest): SendCall {
  const batchesByTarget = new Map<Target, readonly EmbeddingBatch[]>()
  return (call, plan) =>
    failover.run(call, plan, (attempted, channel) => {
      const { target } = channel
      const limit = maxInputsPerRequest(target, attempted)
      if (request.inputs.length <= limit) return attempts.send(attempted, channel, createEmbeddingTranscoder)
      const batches = batchesByTarget.get(target) ?? splitInputs(request, limit)
      batchesByTarget.set(target, batches)
      return sendBatches(attempts, attempted, channel, request, batches)
    })
}

/** Number of inputs that one request to the target may hold. Infinity where the upstream speaks the caller's protocol and checks it itself. */
export function maxInputsPerRequest(
  { speaks, dialect }: Target,
  { protocol: callersProtocol }: Pick<Call, 'protocol'>,
): number {
  const protocol = embeddingProtocol({ speaks }, callersProtocol)
  const limit = dialect.maxEmbeddingInputs ?? Number.POSITIVE_INFINITY
  if (protocol !== callersProtocol) return Math.min(limit, protocol?.embedding?.maxInputs ?? limit)
  return protocol.embedding?.selectInputs ? limit : Number.POSITIVE_INFINITY
}

function splitInputs(request: EmbeddingRequest, limit: number): EmbeddingBatch[] {
  const batches: EmbeddingBatch[] = []
  for (let offset = 0; offset < request.inputs.length; offset += limit) {
    const inputs = request.inputs.slice(offset, offset + limit)
    batches.push({ request: { ...request, inputs }, offset, losses: [], answer: undefined, size: 0 })
  }
  return batches
}

/** Sends the batches and joins their answers. @throws {RelayError} if any batch fails */
async function sendBatches(
  attempts: AttemptSender,
  call: Call,
  channel: Channel,
  request: EmbeddingRequest,
  batches: readonly EmbeddingBatch[],
): Promise<Reply> {
  await fanOut(attempts, call, channel, batches, { createTranscoder: createBatchTranscoder })
  const answers = batches.flatMap(({ answer }) => answer ?? [])
  const vectors = answers.flatMap((answer) => answer.vectors)
  const usage = sumOf(answers.map((answer) => answer.usage))
  const text = call.protocol.embedding?.writeAnswer({ vectors, usage }, request, call.facts.model) ?? ''
  return completeFanOut(call, channel, { text, usage, losses: batches[0]?.losses ?? [] })
}
