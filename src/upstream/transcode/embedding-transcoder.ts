import type { Call } from '../../call.js'
import { type Loss, Losses, rejectLosses } from '../../chat/losses.js'
import { invalidAnswer } from '../../chat/upstream-error.js'
import type { Embedding, EmbeddingAnswer, EmbeddingRequest } from '../../protocols/embedding.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { Channel, Target } from '../../targets.js'
import {
  type CreateTranscoder,
  type DeliveredAnswer,
  requestHeaders,
  type Transcoder,
  WholeAnswerTranscoder,
  withModelName,
} from './transcoder.js'
import type { TranslationOptions } from './translation.js'

/** Transcodes a request for embeddings. */
export const createEmbeddingTranscoder: CreateTranscoder = (call, channel, options) =>
  new EmbeddingTranscoder(call, channel, options)

/** Some of a call's inputs, in an upstream request of their own. */
export interface EmbeddingBatch {
  /** The call's request with these inputs only. */
  readonly request: EmbeddingRequest
  /** Position of the first input among the call's inputs. */
  readonly offset: number
  /** What translation had to leave out. */
  losses: readonly Loss[]
  /** Filled when the batch is answered. */
  answer: EmbeddingAnswer | undefined
  /** Size of the answer in bytes. */
  size: number
}

/** Transcodes a batch. Stores the answer in the batch instead of writing it. */
export function createBatchTranscoder(batch: EmbeddingBatch): CreateTranscoder {
  return (call, channel, options) => new EmbeddingTranscoder(call, channel, options, batch)
}

/** The protocol for embeddings at a target: the caller's own where possible. Undefined where the target has none. */
export function embeddingProtocol({ speaks }: Pick<Target, 'speaks'>, own: Protocol): Protocol | undefined {
  if (speaks.includes(own) && own.embedding) return own
  return speaks.find(({ embedding }) => embedding !== undefined)
}

const NO_BYTES = Buffer.alloc(0)

/** Passes requests in the caller's protocol through, and translates others. */
class EmbeddingTranscoder extends WholeAnswerTranscoder implements Transcoder {
  readonly protocol: Protocol
  readonly body: Buffer
  readonly losses: readonly Loss[]
  readonly #upstreamEmbedding: Embedding
  readonly #callersEmbedding: Embedding
  readonly #call: Call
  readonly #channel: Channel
  readonly #request: EmbeddingRequest
  readonly #batch: EmbeddingBatch | undefined

  /** @throws {RelayError} for a request that the target's protocol cannot express */
  constructor(call: Call, channel: Channel, { strict }: TranslationOptions, batch?: EmbeddingBatch) {
    super()
    const protocol = embeddingProtocol(channel.target, call.protocol)
    const callersEmbedding = call.protocol.embedding
    if (!protocol?.embedding || !callersEmbedding) throw new TypeError('this target has no embeddings')
    this.protocol = protocol
    this.#upstreamEmbedding = protocol.embedding
    this.#callersEmbedding = callersEmbedding
    this.#call = call
    this.#channel = channel
    this.#request = batch?.request ?? callersEmbedding.readRequest(call.body)
    this.#batch = batch
    const losses = new Losses(protocol.id)
    this.body = protocol === call.protocol ? this.#passThrough() : this.#translate(losses)
    this.losses = losses.list
    rejectLosses(losses, strict)
  }

  get path(): string {
    return this.#upstreamEmbedding.pathFor(this.#channel.target.model, this.#request.isSingle)
  }

  get headers(): readonly string[] {
    return requestHeaders(this.protocol, this.#call, this.#channel)
  }

  deliver(body: Buffer): DeliveredAnswer {
    const { usage, upstreamError, encoding, vectors } = this.#upstreamEmbedding.readAnswerFacts(body)
    if (upstreamError) return { usage, upstreamError, bytes: body }
    const { inputs, encoding: requestedEncoding } = this.#request
    // Some servers return numbers where Base64 was requested, and clients would read them as Base64.
    const passes = this.protocol === this.#call.protocol && encoding === requestedEncoding && !this.#batch
    if (passes && vectors === inputs.length) return { usage, bytes: body }
    const answer = this.#upstreamEmbedding.readAnswer(body)
    if (answer?.vectors.length !== inputs.length)
      return { bytes: body, upstreamError: invalidAnswer('another number of vectors than inputs') }
    return { usage: answer.usage, bytes: this.#writeAnswer(answer, body.length) }
  }

  #writeAnswer(answer: EmbeddingAnswer, size: number): Buffer {
    if (!this.#batch)
      return Buffer.from(this.#callersEmbedding.writeAnswer(answer, this.#request, this.#call.facts.model))
    this.#batch.answer = answer
    this.#batch.size = size
    this.#batch.losses = this.losses
    return NO_BYTES
  }

  #translate(losses: Losses): Buffer {
    const { model } = this.#channel.target
    return Buffer.from(
      this.#upstreamEmbedding.writeRequest(this.#request, { model, losses, offset: this.#batch?.offset ?? 0 }),
    )
  }

  #passThrough(): Buffer {
    const { facts, body } = this.#call
    const { model } = this.#channel.target
    if (this.#batch) return this.#callersEmbedding.selectInputs?.(body, this.#batch.request.inputs, model) ?? body
    const isInPath = !facts.modelSpan && model !== facts.model
    return (
      (isInPath ? this.#callersEmbedding.replaceModel?.(body, model) : undefined) ?? withModelName(this.#call, model)
    )
  }
}
