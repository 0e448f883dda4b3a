import type { Call } from '../../call.js'
import { type Loss, Losses } from '../../chat/losses.js'
import { invalidAnswer } from '../../chat/upstream-error.js'
import type { Embedding, EmbeddingAnswer, EmbeddingRequest } from '../../protocols/embedding.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { Channel, Target } from '../../targets.js'
import {
  type CreateTranscoder,
  type DeliveredAnswer,
  requestHeaders,
  type Transcoder,
  withModelName,
} from './transcoder.js'
import { rejectLosses, type TranslationOptions } from './translation.js'
import { WholeAnswerTranscoder } from './whole-answer-transcoder.js'

/** The passage of a request for embeddings. */
export const createEmbeddingTranscoder: CreateTranscoder = (call, channel, translating) =>
  new EmbeddingTranscoder({ call, channel, translating })

/** Some of a call's inputs, in a request of their own. */
export interface EmbeddingBatch {
  /** The call's, with these inputs alone. */
  readonly request: EmbeddingRequest
  /** How many inputs of the call stand before them. */
  readonly offset: number
  /** What had to be left out. */
  losses: readonly Loss[]
  /** Their vectors, once they have come. */
  answer: EmbeddingAnswer | undefined
  /** How much came, in bytes. */
  size: number
}

/** The passage of a batch. Its answer is kept, and nothing of it told. */
export function createBatchTranscoder(batch: EmbeddingBatch): CreateTranscoder {
  return (call, channel, translating) => new EmbeddingTranscoder({ call, channel, translating, batch })
}

/** The language in which a target can be asked for embeddings: the caller's, if it may be. */
export function embeddingProtocol({ speaks }: Pick<Target, 'speaks'>, own: Protocol): Protocol | undefined {
  if (speaks.includes(own) && own.embedding) return own
  return speaks.find(({ embedding }) => embedding !== undefined)
}

const NOTHING = Buffer.alloc(0)

interface Given {
  readonly call: Call
  readonly channel: Channel
  readonly translating: TranslationOptions
  readonly batch?: EmbeddingBatch
}

/** Where the target speaks the caller's language, the bytes go on as they came; else request and answer are told anew. */
class EmbeddingTranscoder extends WholeAnswerTranscoder implements Transcoder {
  readonly protocol: Protocol
  readonly body: Buffer
  readonly losses: readonly Loss[]
  readonly #theirs: Embedding
  readonly #own: Embedding
  readonly #call: Call
  readonly #channel: Channel
  readonly #request: EmbeddingRequest
  readonly #batch: EmbeddingBatch | undefined

  /** @throws {RelayError} for a request that the target's language cannot do without a part of */
  constructor({ call, channel, translating, batch }: Given) {
    super()
    const protocol = embeddingProtocol(channel.target, call.protocol)
    const { embedding: own } = call.protocol
    if (!protocol?.embedding || !own) throw new TypeError('a target that cannot embed was asked to')
    this.protocol = protocol
    this.#theirs = protocol.embedding
    this.#own = own
    this.#call = call
    this.#channel = channel
    this.#request = batch?.request ?? own.readRequest(call.body)
    this.#batch = batch
    const losses = new Losses(protocol.id)
    this.body = protocol === call.protocol ? this.#passed() : this.#told(losses)
    this.losses = losses.list
    rejectLosses(losses, translating.strict)
  }

  get path(): string {
    return this.#theirs.pathFor(this.#channel.target.model, this.#request.isSingle)
  }

  get headers(): readonly string[] {
    return requestHeaders(this.protocol, this.#call, this.#channel)
  }

  deliver(body: Buffer): DeliveredAnswer {
    const { usage, upstreamError, encoding, vectors } = this.#theirs.readAnswerFacts(body)
    if (upstreamError) return { usage, upstreamError, bytes: body }
    const { inputs, encoding: wanted } = this.#request
    // Some servers give numbers although their bytes were asked for, and clients read them as what they asked for.
    const passes = this.protocol === this.#call.protocol && encoding === wanted && !this.#batch
    if (passes && vectors === inputs.length) return { usage, bytes: body }
    const answer = this.#theirs.readAnswer(body)
    if (answer?.vectors.length !== inputs.length)
      return { bytes: body, upstreamError: invalidAnswer('another number of vectors than was asked for') }
    return { usage: answer.usage, bytes: this.#retold(answer, body.length) }
  }

  #retold(answer: EmbeddingAnswer, size: number): Buffer {
    if (!this.#batch) return Buffer.from(this.#own.writeAnswer(answer, this.#request, this.#call.facts.model))
    this.#batch.answer = answer
    this.#batch.size = size
    this.#batch.losses = this.losses
    return NOTHING
  }

  #told(losses: Losses): Buffer {
    const { model } = this.#channel.target
    return Buffer.from(this.#theirs.writeRequest(this.#request, { model, losses, offset: this.#batch?.offset ?? 0 }))
  }

  #passed(): Buffer {
    const { facts, body } = this.#call
    const { model } = this.#channel.target
    if (this.#batch) return this.#own.portion?.(body, this.#batch.request.inputs, model) ?? body
    const isInPath = !facts.modelSpan && model !== facts.model
    return (isInPath ? this.#own.rename?.(body, model) : undefined) ?? withModelName(this.#call, model)
  }
}
