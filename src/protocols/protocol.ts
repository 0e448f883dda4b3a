import type { RequestFacts, Usage } from '../call.js'
import type { RelayError } from '../errors.js'
import type { SseRecord } from '../lib/sse.js'

/** A wire language: pure functions from bytes to meaning and back. It knows no provider, policy, socket or clock. */
export interface Protocol {
  readonly id: ProtocolId
  /** Under a provider's base URL. */
  readonly path: string
  /** Callers' request headers that belong to the language and go on with the request. */
  readonly passedHeaders: readonly string[]
  /** @throws {RelayError} that names the path of what is wrong */
  readFacts(body: Buffer): RequestFacts
  readAnswer(body: Buffer): AnswerFacts
  readSign(record: SseRecord): Sign
  readEnding(records: readonly SseRecord[]): Ending
  /** The body of an answer with an error's status; undefined when it holds no message. */
  readFault(status: number, body: Buffer): Fault | undefined
  writeModels(models: readonly ModelEntry[]): Buffer
  writeModel(model: ModelEntry): Buffer
  writeError(error: RelayError): Buffer
  /** The last bytes of a stream that fails midway. No mark of success may follow. */
  writeStreamError(error: RelayError): Buffer
}

/** Every language that a provider may be said to speak, whether the relay can translate it yet or not. */
export const protocolIds = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const

export type ProtocolId = (typeof protocolIds)[number]

/** An upstream's own account of what went wrong, in whatever shape it came. */
export interface Fault {
  /** As the upstream's HTTP status or its body says; undefined when neither does. */
  readonly status: number | undefined
  readonly message: string
  readonly type: string | null
  readonly code: string | null
  readonly param: string | null
  /** The body is written the way this language writes errors, so its bytes can be passed on. */
  readonly native?: boolean
}

/** What one record of a stream is to the commit point: nothing yet, the first of the answer, or an error in disguise. */
export type Sign = 'preamble' | 'output' | Fault

/** What a whole answer says of itself. */
export interface AnswerFacts {
  readonly usage?: Usage | undefined
  /** It was no answer: an error under status 200, or nonsense. */
  readonly fault?: Fault | undefined
}

/** What the last records of a stream say of the whole of it. */
export interface Ending extends AnswerFacts {
  /** The language's own mark of a finished answer has come. */
  readonly complete: boolean
}

/** One row of a list of models. */
export interface ModelEntry {
  readonly id: string
  /** The provider that serves it first. */
  readonly ownedBy: string
}
