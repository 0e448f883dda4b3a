import type { Block, Native } from './blocks.js'
import type { UpstreamError } from './upstream-error.js'
import type { Usage } from './usage.js'

/** A whole answer. */
export interface ChatAnswer {
  /** The provider's id of the answer. */
  readonly id?: string | undefined
  readonly model?: string | undefined
  readonly choices: readonly Choice[]
  readonly usage?: Usage | undefined
  /** Set where this is not an answer: an error inside a 200, or invalid content. */
  readonly upstreamError?: UpstreamError | undefined
}

export interface Choice {
  readonly blocks: readonly Block[]
  readonly finish: Finish
}

/** Why an answer ended. */
export interface Finish {
  readonly reason: FinishReason
  /** The stop sequence that ended it. */
  readonly sequence?: string | undefined
  /** The provider's explanation of a refusal. */
  readonly explanation?: string | undefined
  readonly native?: Native | undefined
}

/**
 * `length`: the output cap is reached. `context`: the context window is full. `refusal`: the model refuses. `filter`: the
 * provider's filter stopped it. `pause`: the provider expects a request to continue.
 */
export type FinishReason = 'stop' | 'length' | 'context' | 'tool-calls' | 'refusal' | 'filter' | 'pause'
