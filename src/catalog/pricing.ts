import type { Usage } from '../chat/usage.js'
import type { Nanos } from '../stores/ledger.js'

/**
 * Returns what a usage costs, in nano-dollars. The result has fractions: the caller applies all factors first and
 * rounds once. `at` is the time of the call in epoch ms. Default: now.
 */
export type Pricing = (usage: Usage, at?: number) => Nanos

/** A price in USD per million tokens. */
export interface Price {
  readonly input: number
  /** Input tokens that the provider reads from its prompt cache. Default: as `input`. */
  readonly cachedInput?: number | undefined
  /** Input tokens that the provider writes to its prompt cache. Default: as `input`. */
  readonly cacheWriteInput?: number | undefined
  readonly output: number
}

/** One USD per million tokens is this many nano-dollars per token. */
export const NANOS_PER_USD_PER_MILLION = 1000

export function createPricing({ input, cachedInput = input, cacheWriteInput = input, output }: Price): Pricing {
  return (usage) => {
    const cachedTokens = usage.cachedInput
    const writtenTokens = usage.cacheWriteInput
    // Some upstreams report details that exceed the whole. No part of a cost may become negative.
    const plainTokens = Math.max(0, usage.input - cachedTokens - writtenTokens)
    return (
      NANOS_PER_USD_PER_MILLION *
      (plainTokens * input + cachedTokens * cachedInput + writtenTokens * cacheWriteInput + usage.output * output)
    )
  }
}
