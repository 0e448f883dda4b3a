import type { UpstreamError } from '../chat/upstream-error.js'
import type { Usage } from '../chat/usage.js'
import type { SseRecord } from '../lib/sse.js'

/** What the relay reads of a whole answer whose bytes pass through. */
export interface AnswerFacts {
  readonly usage?: Usage | undefined
  /** Set where this is not an answer: an error inside a 200, or invalid content. */
  readonly upstreamError?: UpstreamError | undefined
  /** The model refused, or a filter stopped it. */
  readonly refused?: boolean | undefined
}

/** What the last records of a stream show about the whole. */
export interface StreamEnding extends AnswerFacts {
  /** The protocol's mark of a finished answer has arrived. */
  readonly complete: boolean
  /** The last record of a complete answer has arrived, after which clients may leave. */
  readonly isOver?: boolean | undefined
  /** The usage comes from the first records, so its output is not complete. */
  readonly isPartial?: boolean | undefined
  /** Characters of output, where the last record repeats the whole answer and there is no usage. */
  readonly outputLength?: number | undefined
}

/** A record before the commit point: no output yet, the first output, early usage, or an error inside a 200. */
export type RecordClass = 'prelude' | 'output' | EarlyUsage | UpstreamError

/** A record without output that reports the usage so far. */
export interface EarlyUsage {
  readonly usage: Usage
}

/** How to remove usage records that only the relay has asked for: see `RequestFacts.usageRequestEdit`. */
export interface InjectedUsage {
  /** Occurs in every record with usage, and in few others. */
  readonly marker: Buffer
  /** Whether the record holds nothing but usage. */
  isUsageOnly(record: SseRecord): boolean
}
