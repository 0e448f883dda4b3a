import type { Call } from '../../call.js'
import type { Channel } from '../../targets.js'
import type { Pacing } from '../connection/pacing.js'
import type { CreateTranscoder } from '../transcode/transcoder.js'
import { attemptCall } from './attempt.js'
import type { Reply, Tools } from './reply.js'

/** Sends attempts. With a paced upstream, an attempt first waits for its turn. */
export class AttemptSender {
  readonly #options: Tools
  readonly #pacing: Pacing

  constructor(options: Tools, pacing: Pacing) {
    this.#options = options
    this.#pacing = pacing
  }

  /** Makes one attempt at one channel. Resolves at the commit point; the caller may fail over when it rejects. @throws {RelayError} */
  send(call: Call, channel: Channel, createTranscoder: CreateTranscoder): Promise<Reply> {
    const { pace } = channel.target.upstream
    if (!pace) return attemptCall(call, channel, createTranscoder, this.#options, releaseNothing)
    return this.#pacing
      .enter(channel, pace, call.client)
      .then((release) => attemptCall(call, channel, createTranscoder, this.#options, release))
  }
}

function releaseNothing(): void {}
