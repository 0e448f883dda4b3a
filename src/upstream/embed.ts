import type { Call, Channel, Target } from '../call.js'
import { invalidAnswer } from '../chat/fault.js'
import { type Loss, Losses } from '../chat/losses.js'
import { splice } from '../lib/splice.js'
import type { Embedding, EmbeddingAnswer, EmbeddingRequest } from '../protocols/embedding.js'
import type { Protocol } from '../protocols/protocol.js'
import { type Delivered, headersFor, type OpenPassage, type Passage } from './passage.js'
import { WholePassage } from './whole-passage.js'

/** The passage of a request for embeddings. */
export const openEmbedding: OpenPassage = (call, channel) => new Embed(call, channel)

/** Some of a call's inputs, in a request of their own. */
export interface EmbeddingBatch {
  /** The call's, with these inputs alone. */
  readonly request: EmbeddingRequest
  /** How many inputs of the call stand before them. */
  readonly offset: number
  /** Their vectors, once they have come. */
  answer: EmbeddingAnswer | undefined
}

/** The passage of a batch to a target that does not speak the caller's language. Its answer is kept, and nothing of it told. */
export function openBatch(batch: EmbeddingBatch): OpenPassage {
  return (call, channel) => new Embed(call, channel, batch)
}

/** The language in which a target can be asked for embeddings: the caller's, if it may be. */
export function embeddingLanguage({ speaks }: Target, own: Protocol): Protocol | undefined {
  if (speaks.includes(own) && own.embedding) return own
  return speaks.find(({ embedding }) => embedding !== undefined)
}

const NOTHING = Buffer.alloc(0)

/** Where the target speaks the caller's language, the bytes go on as they came; else request and answer are told anew. */
class Embed extends WholePassage implements Passage {
  readonly protocol: Protocol
  readonly body: Buffer
  readonly losses: readonly Loss[]
  readonly #theirs: Embedding
  readonly #own: Embedding
  readonly #call: Call
  readonly #channel: Channel
  readonly #request: EmbeddingRequest
  readonly #batch: EmbeddingBatch | undefined

  constructor(call: Call, channel: Channel, batch?: EmbeddingBatch) {
    super()
    const protocol = embeddingLanguage(channel.target, call.protocol)
    const { embedding: own } = call.protocol
    if (!protocol?.embedding || !own) throw new TypeError('a target that cannot embed was asked to')
    this.protocol = protocol
    this.#theirs = protocol.embedding
    this.#own = own
    this.#call = call
    this.#channel = channel
    const losses = new Losses(protocol.id)
    const { model } = channel.target
    const request = batch?.request ?? own.readRequest(call.body)
    this.#request = request
    this.#batch = batch
    const writing = { model, losses, offset: batch?.offset ?? 0 }
    this.body =
      protocol === call.protocol ? this.#passed(model) : Buffer.from(this.#theirs.writeRequest(request, writing))
    this.losses = losses.list
  }

  get path(): string {
    return this.#theirs.pathFor(this.#channel.target.model, this.#request.isSingle)
  }

  get headers(): readonly string[] {
    return headersFor(this.protocol, this.#call, this.#channel)
  }

  deliver(body: Buffer): Delivered {
    const { usage, fault, encoding } = this.#theirs.readAnswerFacts(body)
    if (fault) return { usage, fault, bytes: body }
    // Some servers give numbers although their bytes were asked for, and clients read them as what they asked for.
    if (this.protocol === this.#call.protocol && encoding === this.#request.encoding) return { usage, bytes: body }
    return this.#retold(body)
  }

  #retold(body: Buffer): Delivered {
    const request = this.#request
    const answer = this.#theirs.readAnswer(body)
    if (answer?.vectors.length !== request.inputs.length)
      return { bytes: body, fault: invalidAnswer('another number of vectors than was asked for') }
    if (this.#batch) {
      this.#batch.answer = answer
      return { usage: answer.usage, bytes: NOTHING }
    }
    const text = this.#own.writeAnswer(answer, request, this.#call.facts.model)
    return { usage: answer.usage, bytes: Buffer.from(text) }
  }

  #passed(model: string): Buffer {
    const { facts, body } = this.#call
    if (model === facts.model) return body
    if (facts.modelAt) return splice(body, facts.modelAt, model)
    return this.#own.rename?.(body, model) ?? body
  }
}
