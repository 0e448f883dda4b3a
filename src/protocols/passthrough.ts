import type { UpstreamError } from '../chat/upstream-error.js'
import type { Usage } from '../chat/usage.js'
import type { SseRecord } from '../lib/sse.js'

/** What a whole answer says of itself, when its bytes are passed on. */
export interface AnswerFacts {
  readonly usage?: Usage | undefined
  /** It was no answer: an error under status 200, or nonsense. */
  readonly upstreamError?: UpstreamError | undefined
  /** The model refused, or a filter did not let it speak. */
  readonly refused?: boolean | undefined
}

/** What the last records of a stream say of the whole of it. */
export interface StreamEnding extends AnswerFacts {
  /** The language's own mark of a finished answer has come. */
  readonly complete: boolean
  /** The usage is what the beginning told: its output is not all. */
  readonly isPartial?: boolean | undefined
  /** Characters of all output, where the last record holds it once more and there is no usage. */
  readonly outputLength?: number | undefined
}

/** What one record of a stream is to the commit point: nothing yet, the first of the answer, or an error in disguise. */
export type RecordClass = 'preamble' | 'output' | EarlyUsage | UpstreamError

/** Not yet an answer, but what its question cost. */
export interface EarlyUsage {
  readonly usage: Usage
}

/** How a stream is relieved of the usage that its caller did not ask for: `RequestFacts.asking` says how it is asked for. */
export interface InjectedUsage {
  /** Stands in every record that tells of usage, and in few others. */
  readonly mark: Buffer
  /** Whether the record tells of usage and of nothing else. */
  isUsageOnly(record: SseRecord): boolean
}
