import type { ChatAnswer } from '../chat/answer.js'
import type { ChatEvent, Emit } from '../chat/events.js'
import type { Losses } from '../chat/losses.js'
import type { ChatRequest, SettingNames } from '../chat/request.js'
import type { Traits } from '../chat/traits.js'
import type { UpstreamError } from '../chat/upstream-error.js'
import type { Usage } from '../chat/usage.js'
import type { RelayError } from '../errors.js'
import type { SseRecord } from '../lib/sse.js'
import type { Dialect } from './dialect.js'
import type { Embedding } from './embedding.js'
import type { ImageGeneration } from './image-generation.js'
import type { ModelListing } from './model-listing.js'
import type { AnswerFacts, InjectedUsage, RecordClass, StreamEnding } from './passthrough.js'
import type { PromptBatching } from './prompt-batching.js'
import type { PathFacts, RequestFacts } from './request-facts.js'
import type { ResponseStorage } from './response-storage.js'

/**
 * A wire protocol, as spoken by clients and by upstreams: pure functions between bytes and conversations. It knows no
 * provider, policy, socket or clock.
 */
export interface Protocol {
  readonly id: ProtocolId
  /** What the protocol can express of tools, stop sequences and media. */
  readonly traits: Traits
  /** The protocol's own names for settings, for losses and errors. */
  readonly settingNames: SettingNames

  // Requests

  /** Reads as much of a request as routing needs. @throws {RelayError} that names the path of an invalid value */
  readFacts(body: Buffer, path: PathFacts): RequestFacts
  /** Reads a whole request. @throws {RelayError} that names the path of an invalid value */
  readRequest(body: Buffer, path: PathFacts): ChatRequest
  /** Writes a request's body. @throws {RelayError} that names the path of what the protocol cannot express or leave out */
  writeRequest(request: ChatRequest, options: WriteOptions): string
  /** The path for conversations, below a provider's base URL. */
  pathFor(model: string, stream: boolean): string
  /** Headers that every request needs unless the client sends them: name, value, name, value. */
  readonly headers: readonly string[]
  /** Names of client headers that go on to an upstream of the same protocol. */
  readonly forwardedHeaders: readonly string[]
  /**
   * Removes from a client's body what an upstream is known to refuse. Returns the same bytes where there is nothing to
   * remove. `asStream`: the upstream will stream, although the client does not. Left out: no upstream is known to refuse
   * anything.
   */
  adaptRequest?(body: Buffer, dialect: Dialect, asStream: boolean): Buffer

  // Answers, whole and streamed

  /** Reads a whole answer. Sets `upstreamError` where it is not one. */
  readAnswer(body: Buffer, options: ReadOptions): ChatAnswer
  writeAnswer(answer: ChatAnswer, context: AnswerContext): string
  readStream(options: ReadOptions): StreamReader
  writeStream(context: AnswerContext): StreamWriter
  /** Another framing for streams than server-sent events, where clients may choose it. */
  readonly framing?: StreamFraming

  // Answers that pass through

  /** Reads usage and errors of a whole answer whose bytes pass through. */
  readAnswerFacts(body: Buffer): AnswerFacts
  /** Classifies a stream's record before the commit point. */
  classifyRecord(record: SseRecord): RecordClass
  /** Reads how a stream ended, from its last records. `earlyUsage`: the usage that its first records reported. */
  readEnding(records: readonly SseRecord[], earlyUsage?: Usage): StreamEnding
  /** Characters of output in one record: text, reasoning and tool input. */
  readOutputLength(record: SseRecord): number
  /** Left out: streams report their usage without being asked. */
  readonly injectedUsage?: InjectedUsage

  // Errors

  /** Reads the body of a response with an error status. Undefined where it holds no message. */
  readError(status: number, body: Buffer): UpstreamError | undefined
  /** The status that clients of the protocol expect for an error. */
  statusOf(error: RelayError): number
  writeError(error: RelayError, requestId: string): Buffer
  /** The last bytes of a passed-through stream that fails. No mark of success may follow. */
  writeStreamError(error: RelayError): Buffer
  /** Response header in which clients look for the request id besides `x-request-id`. */
  readonly requestIdHeader?: string

  // Lists of models

  writeModels(models: readonly ModelEntry[]): Buffer
  writeModel(model: ModelEntry): Buffer
  /** Left out: the protocol cannot list an upstream's models. */
  readonly listing?: ModelListing

  // Further operations; left out where the protocol does not have them

  readonly tokenCounting?: TokenCounting
  readonly embedding?: Embedding
  /** Image generation by a conversational or image model, other than OpenAI's endpoints for images. */
  imageGeneration?(model: string): ImageGeneration
  readonly responseStorage?: ResponseStorage
  readonly promptBatching?: PromptBatching
}

/** Every protocol that a provider may speak. */
export const protocolIds = [
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
  'gemini',
  'openai-completions',
] as const

export type ProtocolId = (typeof protocolIds)[number]

export interface WriteOptions {
  /** The model's name at the target. */
  readonly model: string
  readonly stream: boolean
  /** The target's signature tag. Signatures of other issuers are left out. */
  readonly issuer: string
  readonly dialect: Dialect
  /** Collects what cannot be expressed. */
  readonly losses: Losses
}

export interface ReadOptions {
  /** Unique per call: ids are derived from it where the protocol has none. `[A-Za-z0-9_]+` */
  readonly id: string
}

/** The call whose answer is written. */
export interface AnswerContext extends ReadOptions {
  /** The model as the caller named it. An answer that names its own model keeps that name. */
  readonly model: string
  /** Epoch seconds. */
  readonly createdAt: number
  /** The target's signature tag, which clients carry with its signatures. */
  readonly issuer: string
  /** The conversation that is answered. */
  readonly request: ChatRequest
  /** Collects what cannot be expressed. */
  readonly losses: Losses
}

/** Reads one stream. */
export interface StreamReader {
  read(record: SseRecord, emit: Emit): void
  /**
   * `open` until the protocol's mark of a finished answer has arrived. Then `complete` where more records may follow,
   * such as usage, and `over` where none may.
   */
  readonly state: 'open' | 'complete' | 'over'
}

/** Writes one stream as text. Returns an empty text for an event that the protocol does not show. */
export interface StreamWriter {
  write(event: ChatEvent): string
  /** The end of a finished answer. */
  end(): string
  /** The end of a failed answer: the protocol's own error, and no mark of success. */
  fail(error: RelayError): string
}

/** A framing of streams other than server-sent events. */
export interface StreamFraming {
  readonly contentType: string
  begin(): StreamFrames
}

/** The framing of one stream. */
export interface StreamFrames {
  /** Reframes server-sent events. The bytes may end within an event. */
  frame(records: Buffer): Buffer
  /** What follows the last event. */
  end(): Buffer
}

/** Counting the tokens of a conversation without answering it. */
export interface TokenCounting {
  pathFor(model: string): string
  /** @throws {RelayError} that names the path of an invalid value */
  readRequest(body: Buffer, path: PathFacts): ChatRequest
  writeRequest(request: ChatRequest, options: WriteOptions): string
  /** Undefined where the answer holds no count. */
  readCount(body: Buffer): number | undefined
  writeCount(tokens: number): string
}

/** One row of a list of models. */
export interface ModelEntry {
  readonly id: string
  /** Id of the provider that serves it first. */
  readonly ownedBy: string
  /** In tokens; undefined where unknown. */
  readonly contextWindow?: number | undefined
  /** USD per million tokens; undefined where unknown. */
  readonly price?: { readonly input: number; readonly output: number } | undefined
}
