import type { Fault } from '../chat/fault.js'
import type { Usage } from '../chat/usage.js'
import type { SseRecord } from '../lib/sse.js'

/** What a whole answer says of itself, when its bytes are passed on. */
export interface AnswerFacts {
  readonly usage?: Usage | undefined
  /** It was no answer: an error under status 200, or nonsense. */
  readonly fault?: Fault | undefined
  /** The model refused, or a filter did not let it speak. */
  readonly refused?: boolean | undefined
}

/** What the last records of a stream say of the whole of it. */
export interface Ending extends AnswerFacts {
  /** The language's own mark of a finished answer has come. */
  readonly complete: boolean
  /** The usage is what the beginning told: its output is not all. */
  readonly isPartial?: boolean | undefined
  /** Characters of all output, where the last record holds it once more and there is no usage. */
  readonly outputLength?: number | undefined
}

/** What one record of a stream is to the commit point: nothing yet, the first of the answer, or an error in disguise. */
export type Sign = 'preamble' | 'output' | Beginning | Fault

/** Not yet an answer, but what its question cost. */
export interface Beginning {
  readonly usage: Usage
}

/** How a stream is relieved of the usage that its caller did not ask for: `RequestFacts.asking` says how it is asked for. */
export interface Metering {
  /** Stands in every record that tells of usage, and in few others. */
  readonly mark: Buffer
  /** Whether the record tells of usage and of nothing else. */
  isExtra(record: SseRecord): boolean
}
