import type { Losses } from '../chat/losses.js'
import type { UpstreamError } from '../chat/upstream-error.js'
import type { Usage } from '../chat/usage.js'
import type { PathFacts, RequestFacts } from './request-facts.js'

/** A text, or a list of tokens that the caller has encoded itself. */
export type EmbeddingInput = string | readonly number[]

/** A request for embeddings, independent of any protocol. */
export interface EmbeddingRequest {
  readonly inputs: readonly EmbeddingInput[]
  /** The request has one input, and not as a list. */
  readonly isSingle: boolean
  /** Length of the vectors; undefined for the model's default. */
  readonly dimensions: number | undefined
  /** Encoding of the vectors: numbers, or little-endian float32 bytes in Base64. */
  readonly encoding: 'float' | 'base64'
  /** Names of further fields that exist in the caller's protocol only. */
  readonly nativeFields: readonly string[]
}

/** Vectors, in the order of the inputs. */
export interface EmbeddingAnswer {
  readonly vectors: readonly (readonly number[])[]
  readonly usage: Usage | undefined
}

/** What the relay reads of an answer whose bytes pass through. */
export interface EmbeddingFacts {
  readonly usage?: Usage | undefined
  readonly upstreamError?: UpstreamError | undefined
  /** Encoding of the vectors. */
  readonly encoding?: EmbeddingRequest['encoding']
  /** Number of vectors. */
  readonly vectors?: number
}

/** The part of a protocol for embeddings. */
export interface Embedding {
  /** Number of inputs in one request. */
  readonly maxInputs: number
  pathFor(model: string, isSingle: boolean): string
  /** @throws {RelayError} that names the path of an invalid value */
  readFacts(body: Buffer, path: PathFacts): RequestFacts
  /** @throws {RelayError} that names the path of an invalid value */
  readRequest(body: Buffer): EmbeddingRequest
  /** Replaces the model's name, where bodies repeat it. */
  replaceModel?(body: Buffer, model: string): Buffer
  /** The same request with some of its inputs and another model. Left out: every upstream accepts the protocol's number of inputs. */
  selectInputs?(body: Buffer, inputs: readonly EmbeddingInput[], model: string): Buffer
  /** @throws {RelayError} for inputs that the protocol does not accept */
  writeRequest(request: EmbeddingRequest, options: EmbeddingWriteOptions): string
  /** Undefined where the body is not an answer. */
  readAnswer(body: Buffer): EmbeddingAnswer | undefined
  readAnswerFacts(body: Buffer): EmbeddingFacts
  /** `model`: as the caller named it. */
  writeAnswer(answer: EmbeddingAnswer, request: EmbeddingRequest, model: string): string
}

/** The facts of any request for embeddings. */
export function embeddingFacts({ model, modelSpan }: Pick<RequestFacts, 'model' | 'modelSpan'>): RequestFacts {
  return {
    model,
    modelSpan,
    stream: false,
    maxOutputTokens: 0,
    choices: 1,
    // Deterministic, so the cache may answer it.
    temperature: 0,
    usesTools: false,
    usageRequestEdit: undefined,
  }
}

export interface EmbeddingWriteOptions {
  /** The model's name at the target. */
  readonly model: string
  readonly losses: Losses
  /** Position of the first input among the caller's inputs. */
  readonly offset: number
}
