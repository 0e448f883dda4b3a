import type { End } from '../../src/call.js'

type Real = typeof import('../../src/upstream/exchange.js')

/** How the calls have ended, as policies are told. */
export const ends: End[] = []

/** What the next calls are like. */
export const watching: { metered: boolean } = { metered: false }

/** The module of exchanges with an ear at their ends; everything in it is as it is. */
export function watched(real: Real): Real {
  return {
    ...real,
    exchange: (call, ...rest) => {
      const settle = (end: End): void => {
        // Spread: an estimate is made when somebody reads it.
        ends.push({ ...end })
        call.settle(end)
      }
      return real.exchange({ ...call, metered: watching.metered, settle }, ...rest)
    },
  }
}
