import type { Losses } from '../chat/losses.js'
import type { UpstreamError } from '../chat/upstream-error.js'
import type { Usage } from '../chat/usage.js'
import type { PathFacts } from './protocol.js'
import type { RequestFacts } from './request-facts.js'

/** A text to be embedded, or a list of tokens where the caller has made them itself. */
export type EmbeddingInput = string | readonly number[]

/** What is to be embedded, in no language's words. */
export interface EmbeddingRequest {
  readonly inputs: readonly EmbeddingInput[]
  /** One input that does not stand in a list. */
  readonly isSingle: boolean
  /** How long vectors are wanted. */
  readonly dimensions: number | undefined
  /** How the caller wants numbers spelled: as numbers, or their bytes (little-endian float32) in Base64. */
  readonly encoding: 'float' | 'base64'
  /** What else the caller has said, by its own names: nobody else has a word for it. */
  readonly own: readonly string[]
}

/** Vectors, in the order of what was embedded. */
export interface EmbeddingAnswer {
  readonly vectors: readonly (readonly number[])[]
  readonly usage: Usage | undefined
}

/** What an answer to be passed on says of itself. */
export interface EmbeddingFacts {
  readonly usage?: Usage | undefined
  readonly upstreamError?: UpstreamError | undefined
  /** How its numbers are spelled. */
  readonly encoding?: EmbeddingRequest['encoding']
  /** How many vectors it holds. */
  readonly vectors?: number
}

/** How a language asks for embeddings. */
export interface Embedding {
  /** So many inputs are taken at once: of more, each batch is a request of its own. */
  readonly mostInputs: number
  pathFor(model: string, isSingle: boolean): string
  /** @throws {RelayError} that names the path of what is wrong */
  readFacts(body: Buffer, path: PathFacts): RequestFacts
  /** @throws {RelayError} that names the path of what is wrong */
  readRequest(body: Buffer): EmbeddingRequest
  /** The same request for another model, where a body names it in places of its own. */
  rename?(body: Buffer, model: string): Buffer
  /** The same request for some of its inputs and another model. Left out: no place takes fewer at once than the language. */
  portion?(body: Buffer, inputs: readonly EmbeddingInput[], model: string): Buffer
  /** @throws {RelayError} for what the language cannot be asked to embed */
  writeRequest(request: EmbeddingRequest, writing: EmbeddingWriting): string
  /** Undefined for what is no answer. */
  readAnswer(body: Buffer): EmbeddingAnswer | undefined
  readAnswerFacts(body: Buffer): EmbeddingFacts
  /** `model`: as the caller asked for it. */
  writeAnswer(answer: EmbeddingAnswer, request: EmbeddingRequest, model: string): string
}

/** What there is to know of any request for embeddings. */
export function factsOf({ model, modelSpan }: Pick<RequestFacts, 'model' | 'modelSpan'>): RequestFacts {
  return {
    model,
    modelSpan,
    stream: false,
    maxOutputTokens: 0,
    choices: 1,
    // The same text has the same vector.
    temperature: 0,
    usesTools: false,
    usageRequestEdit: undefined,
  }
}

/** What a request is written for. */
export interface EmbeddingWriting {
  /** The model's name at the target. */
  readonly model: string
  readonly losses: Losses
  /** How many of the caller's inputs stand before these. */
  readonly offset: number
}
