import type { Block, Native } from './blocks.js'
import type { UpstreamError } from './upstream-error.js'
import type { Usage } from './usage.js'

/** A whole answer. */
export interface ChatAnswer {
  /** As its provider gave it. */
  readonly id?: string | undefined
  readonly model?: string | undefined
  readonly choices: readonly Choice[]
  readonly usage?: Usage | undefined
  /** It was no answer: an error under status 200, or nonsense. */
  readonly upstreamError?: UpstreamError | undefined
}

export interface Choice {
  readonly blocks: readonly Block[]
  readonly finish: Finish
}

/** Why an answer ended. */
export interface Finish {
  readonly reason: FinishReason
  /** The stop sequence that was met. */
  readonly sequence?: string | undefined
  /** Why it was refused, in the provider's words. */
  readonly explanation?: string | undefined
  readonly native?: Native | undefined
}

/**
 * `length`: the output cap; `context`: the model's window is full; `refusal`: the model will not; `filter`: its provider
 * will not let it; `pause`: it wants to be asked to go on.
 */
export type FinishReason = 'stop' | 'length' | 'context' | 'tool-calls' | 'refusal' | 'filter' | 'pause'
