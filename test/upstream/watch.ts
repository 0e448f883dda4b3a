import type { CallEnd } from '../../src/call.js'
import type { Dialect } from '../../src/protocols/dialect.js'

type Real = typeof import('../../src/upstream/attempt/attempt.js')

/** How the calls have ended, as policies are told. */
export const ends: CallEnd[] = []

/** What the next calls are like. */
export const watching: { metered: boolean; dialect: Dialect } = { metered: false, dialect: {} }

/** The module of exchanges with an ear at their ends; everything in it is as it is. */
export function watched(real: Real): Real {
  return {
    ...real,
    attemptCall: (call, channel, ...rest) => {
      const settle = (end: CallEnd): void => {
        // Spread: an estimate is made when somebody reads it.
        ends.push({ ...end })
        call.settle(end)
      }
      const { metered, dialect } = watching
      const target = { ...channel.target, dialect: { ...channel.target.dialect, ...dialect } }
      return real.attemptCall({ ...call, needsUsage: metered, settle }, { ...channel, target }, ...rest)
    },
  }
}
