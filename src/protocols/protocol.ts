import type { ChatAnswer } from '../chat/answer.js'
import type { ChatEvent, Emit } from '../chat/events.js'
import type { Losses } from '../chat/losses.js'
import type { ChatRequest } from '../chat/request.js'
import type { SettingNames } from '../chat/settings.js'
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
import type { RequestFacts } from './request-facts.js'

/** A wire language: pure functions from bytes to meaning and back. It knows no provider, policy, socket or clock. */
export interface Protocol {
  readonly id: ProtocolId
  readonly traits: Traits
  /** Its callers are told of settings by these names. */
  readonly settingNames: SettingNames
  /** Callers' request headers that belong to the language and go on with the request. */
  readonly forwardedHeaders: readonly string[]
  /** Headers that every request in this language needs, where the caller gave none: name, value, name, value. */
  readonly headers: readonly string[]
  /** Where its clients look for a request's id, if not in `x-request-id`. */
  readonly requestIdHeader?: string
  /** Where a conversation is sent, under a provider's base URL. */
  pathFor(model: string, stream: boolean): string
  /** As much of a caller's request as routing needs. @throws {RelayError} that names the path of what is wrong */
  readFacts(body: Buffer, path: PathFacts): RequestFacts
  /** All of a caller's request. @throws {RelayError} that names the path of what is wrong */
  readRequest(body: Buffer, path: PathFacts): ChatRequest
  /** A request's body. @throws {RelayError} for what neither can be said nor left out, naming its path */
  writeRequest(request: ChatRequest, writing: WriteOptions): string
  /** A whole answer; with a `fault` when it is none. */
  readAnswer(body: Buffer, reading: ReadOptions): ChatAnswer
  writeAnswer(answer: ChatAnswer, answering: AnswerContext): string
  readStream(reading: ReadOptions): StreamReader
  writeStream(answering: AnswerContext): StreamWriter
  /** How streams are framed for callers who do not want server-sent events, where the language lets them choose. */
  readonly framing?: StreamFraming
  /** Left out: the language cannot ask for a count. */
  readonly counting?: Counting
  /** Left out: the language cannot ask for embeddings. */
  readonly embedding?: Embedding
  /** How a model is asked for images, where that is not in OpenAI's way. Left out: the language cannot ask for any. */
  imaging?(model: string): ImageGeneration
  /** Left out: the language cannot ask which models there are. */
  readonly listing?: ModelListing
  /** Left out: callers send all of a conversation with every request. */
  readonly responseStorage?: ResponseStorage
  /** Left out: a request asks one question. */
  readonly promptBatching?: PromptBatching
  /** Left out: every stream tells of usage by itself. */
  readonly injectedUsage?: InjectedUsage
  /**
   * A caller's body for a place that does not take all of the language: the same bytes where it takes all of these.
   * `asStream`: to be answered in a stream, although its caller wants none. Left out: no place is known to be so.
   */
  adaptRequest?(body: Buffer, dialect: Dialect, asStream: boolean): Buffer
  /** What a whole answer says of itself, when its bytes are passed on. */
  readAnswerFacts(body: Buffer): AnswerFacts
  classifyRecord(record: SseRecord): RecordClass
  /** `begun`: the usage that the stream's beginning told of, when that has been read. */
  readEnding(records: readonly SseRecord[], begun?: Usage): StreamEnding
  /** How many characters of output one record of a stream brings: text, reasoning, tools' input. */
  readOutputLength(record: SseRecord): number
  /** The body of an answer with an error's status; undefined when it holds no message. */
  readError(status: number, body: Buffer): UpstreamError | undefined
  /** The status that callers of this language know for an error. */
  statusOf(error: RelayError): number
  writeModels(models: readonly ModelEntry[]): Buffer
  writeModel(model: ModelEntry): Buffer
  writeError(error: RelayError, requestId: string): Buffer
  /** The last bytes of a stream that is passed on and fails midway. No mark of success may follow. */
  writeStreamError(error: RelayError): Buffer
}

/** Another way than server-sent events to put a stream's records one behind the other. */
export interface StreamFraming {
  readonly contentType: string
  begin(): StreamFrames
}

/** The framing of one stream. */
export interface StreamFrames {
  /** Server-sent events, framed; they may end in the middle of one. */
  frame(records: Buffer): Buffer
  /** What follows the last. */
  end(): Buffer
}

/** How a language counts the tokens of a conversation without having it answered. */
export interface Counting {
  pathFor(model: string): string
  /** @throws {RelayError} that names the path of what is wrong */
  readRequest(body: Buffer, path: PathFacts): ChatRequest
  writeRequest(request: ChatRequest, writing: WriteOptions): string
  /** The count in an answer; undefined when there is none. */
  readCount(body: Buffer): number | undefined
  writeCount(tokens: number): string
}

/** How callers refer to earlier answers instead of sending them again. */
export interface ResponseStorage {
  /** The request with what it refers to put in its place. @throws {RelayError} for what is not kept */
  expand(body: Buffer, find: FindStored): Buffer
  /** Whether a call's caller wants its answer kept. */
  isWanted(body: Buffer): boolean
  /** What there is to keep of a call; undefined where it has failed. */
  keep(body: Buffer, answer: Buffer): StorableResponse | undefined
  /** The whole answer, in the record of a stream that holds it. */
  finalAnswer(record: SseRecord): Buffer | undefined
  writeDeleted(id: string): Buffer
  /** That an answer is not kept, or not for this caller. */
  missing(id: string): RelayError
}

export type FindStored = (id: string) => Pick<StorableResponse, 'items'> | undefined

export interface StorableResponse {
  readonly id: string
  /** As it was given to the caller. */
  readonly answer: string
  /** The conversation up to and with the answer, as a JSON array. */
  readonly items: string
  /** The answer's own items, which may be referred to one by one. */
  readonly parts: readonly { readonly id: string; readonly item: string }[]
}

/** Several questions in one request. */
export interface PromptBatching {
  /** A request for each question; none where there is but one. */
  split(body: Buffer): readonly Buffer[]
  /** Whole answers, in the order of their questions, as one. */
  merge(answers: readonly Buffer[]): Buffer
  write(): BatchWriter
}

/** Writes the records of several streams, one behind the other, as those of one. */
export interface BatchWriter {
  /** Undefined for one that ends it all with an error, and goes on as it came. */
  record(record: SseRecord, question: number): string | undefined
  end(): string
}

/** Every language that a provider may be said to speak. */
export const protocolIds = [
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
  'gemini',
  'openai-completions',
] as const

export type ProtocolId = (typeof protocolIds)[number]

/** What the path says of a request, in languages that do not say it in the body. */
export interface PathFacts {
  /** What stood for `{id}`; empty where the path has none. */
  readonly id: string
  /** Whether the endpoint streams; undefined where the body says it. */
  readonly stream: boolean | undefined
  /** Without its `?`. */
  readonly query: string
}

/** What a request is written for. */
export interface WriteOptions {
  /** The model's name at the target. */
  readonly model: string
  readonly stream: boolean
  /** The target's tag: signatures of other issuers are left out. */
  readonly issuer: string
  readonly dialect: Dialect
  readonly losses: Losses
}

/** What an answer is read for. */
export interface ReadOptions {
  /** Unique among calls: where the language gives no ids, they are made from it. `[A-Za-z0-9_]+` */
  readonly id: string
}

/** What an answer is written for. */
export interface AnswerContext {
  /** Unique among calls: ids are made from it. `[A-Za-z0-9_]+` */
  readonly id: string
  /** As the caller asked for it; an answer that names its model goes before. */
  readonly model: string
  /** Epoch seconds. */
  readonly createdAt: number
  /** The target's tag, carried with its signatures. */
  readonly issuer: string
  /** What is being answered. */
  readonly request: ChatRequest
  /** For what an answer holds and the language cannot say. */
  readonly losses: Losses
}

/** Reads one stream. */
export interface StreamReader {
  read(record: SseRecord, emit: Emit): void
  /**
   * `open` until the language's mark of a finished answer has come; then `complete`, when more may follow (usage, most
   * often), or `over`, when nothing does.
   */
  readonly state: 'open' | 'complete' | 'over'
}

/** Writes one stream, as text of its wire format; empty where an event gives rise to none. */
export interface StreamWriter {
  write(event: ChatEvent): string
  /** What follows the last event of a finished answer. */
  end(): string
  /** What follows when it failed: the language's own words for that, and no mark of success. */
  fail(error: RelayError): string
}

/** One row of a list of models. */
export interface ModelEntry {
  readonly id: string
  /** The provider that serves it first. */
  readonly ownedBy: string
  /** In tokens; undefined where nobody knows. */
  readonly contextWindow?: number | undefined
  /** USD per million tokens; undefined where nobody knows. */
  readonly price?: { readonly input: number; readonly output: number } | undefined
}
