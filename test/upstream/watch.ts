import type { Call, CallEnd } from '../../src/call.js'
import type { Dialect } from '../../src/protocols/dialect.js'
import type { Channel } from '../../src/targets.js'
import type { Reply } from '../../src/upstream/attempt/reply.js'
import type { CreateTranscoder } from '../../src/upstream/transcode/transcoder.js'

type Real = typeof import('../../src/upstream/attempt/attempt.js')

/** How the calls ended, as policies see it. */
export const ends: CallEnd[] = []

/** Applies to the next calls. */
export const watching: { metered: boolean; dialect: Dialect } = { metered: false, dialect: {} }

/** The module of attempts, with a sender that records how its calls end. All else is real. */
export function watched(real: Real): Real {
  class WatchedSender extends real.AttemptSender {
    override send(call: Call, channel: Channel, createTranscoder: CreateTranscoder): Promise<Reply> {
      const settle = (end: CallEnd): void => {
        // Copied, because reading the estimate computes it.
        ends.push({ ...end })
        call.settle(end)
      }
      const { metered, dialect } = watching
      const target = { ...channel.target, dialect: { ...channel.target.dialect, ...dialect } }
      return super.send({ ...call, needsUsage: metered, settle }, { ...channel, target }, createTranscoder)
    }
  }
  return { ...real, AttemptSender: WatchedSender }
}
