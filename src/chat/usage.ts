/** Tokens that the upstream counted. */
export interface Usage {
  /** All that the model read, cached or not. */
  readonly input: number
  /** Of it, read from the prompt cache. */
  readonly cachedInput: number
  /** Of it, written to the prompt cache. */
  readonly cacheWriteInput: number
  /** All that the model wrote, its reasoning included. */
  readonly output: number
  /** Of it, reasoning. */
  readonly reasoning: number
}

/** A count of tokens as an upstream gave it: what is no positive number counts as none. */
export function count(value: unknown): number {
  return typeof value === 'number' && value > 0 && value <= Number.MAX_SAFE_INTEGER ? value : 0
}
