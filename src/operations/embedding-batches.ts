import type { Call, Target } from '../call.js'
import { sumOf } from '../chat/usage.js'
import { type SendToChannel, sendAttempt } from '../policies/failover/failover.js'
import type { EmbeddingRequest } from '../protocols/embedding.js'
import type { Reply } from '../upstream/attempt/reply.js'
import {
  createBatchTranscoder,
  type EmbeddingBatch,
  embeddingProtocol,
} from '../upstream/transcode/embedding-transcoder.js'
import { type ChannelCall, completeFanOut, fanOut } from './fan-out.js'

/**
 * Sends one call's inputs in batches, where a target takes fewer at once. All vectors of an answer are of one target:
 * those of another model would lie elsewhere.
 */
export function inBatches(request: EmbeddingRequest): SendToChannel {
  const known = new Map<Target, readonly EmbeddingBatch[]>()
  return (call, channel, means) => {
    const { target } = channel
    const most = mostAtOnce(target, call)
    if (request.inputs.length <= most) return sendAttempt(call, channel, means)
    const batches = known.get(target) ?? cut(request, most)
    known.set(target, batches)
    return askAll({ call, channel, means }, request, batches)
  }
}

/** How many inputs a request to a target may hold. In the caller's own language that is the provider's to know. */
export function mostAtOnce({ speaks, dialect }: Target, { protocol }: Pick<Call, 'protocol'>): number {
  const theirs = embeddingProtocol({ speaks }, protocol)
  const most = dialect.maxEmbeddingInputs ?? Number.POSITIVE_INFINITY
  if (theirs !== protocol) return Math.min(most, theirs?.embedding?.mostInputs ?? most)
  return theirs.embedding?.portion ? most : Number.POSITIVE_INFINITY
}

function cut(request: EmbeddingRequest, most: number): EmbeddingBatch[] {
  const batches: EmbeddingBatch[] = []
  for (let offset = 0; offset < request.inputs.length; offset += most) {
    const inputs = request.inputs.slice(offset, offset + most)
    batches.push({ request: { ...request, inputs }, offset, losses: [], answer: undefined, size: 0 })
  }
  return batches
}

/** The first batch to fail fails them all. @throws {RelayError} */
async function askAll(way: ChannelCall, request: EmbeddingRequest, batches: readonly EmbeddingBatch[]): Promise<Reply> {
  await fanOut(way, batches, { open: createBatchTranscoder })
  const { protocol, facts } = way.call
  const answers = batches.flatMap(({ answer }) => answer ?? [])
  const vectors = answers.flatMap((answer) => answer.vectors)
  const usage = sumOf(answers.map((answer) => answer.usage))
  const text = protocol.embedding?.writeAnswer({ vectors, usage }, request, facts.model) ?? ''
  return completeFanOut(way, { text, usage, losses: batches[0]?.losses ?? [] })
}
