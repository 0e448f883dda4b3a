import type { Usage } from '../chat/usage.js'
import type { Nanos } from '../stores/ledger.js'

/**
 * What tokens cost at a time, in ms since 1970; now, when left out. Nano-dollars with their fraction: whoever charges
 * them rounds, once, after every factor.
 */
export type Pricing = (usage: Usage, at?: number) => Nanos

/** USD per million tokens. */
export interface Price {
  readonly input: number
  /** Read from the prompt cache. Left out: as other input. */
  readonly cachedInput?: number | undefined
  /** Written to the prompt cache. Left out: as other input. */
  readonly cacheWriteInput?: number | undefined
  readonly output: number
}

/** A dollar a million tokens is so much a token. */
export const NANOS_A_TOKEN = 1000

/** What tokens cost at a user's own price. */
export function pricingOf({ input, cachedInput = input, cacheWriteInput = input, output }: Price): Pricing {
  return (usage) => {
    const cached = usage.cachedInput
    const written = usage.cacheWriteInput
    // Details may exceed the whole where an upstream counts badly: no part of a price is negative.
    const plain = Math.max(0, usage.input - cached - written)
    return NANOS_A_TOKEN * (plain * input + cached * cachedInput + written * cacheWriteInput + usage.output * output)
  }
}
