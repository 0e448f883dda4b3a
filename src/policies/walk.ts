import type { Channel, Credential, Place, Target } from '../call.js'
import type { Blame, RelayError } from '../errors.js'
import type { Health } from '../upstream/health.js'
import type { Plan } from './route.js'
import { type Choosing, strategies } from './strategies.js'

/** A failure of this call, and the channel it happened on. */
interface Failed {
  readonly channel: Channel
  readonly blame: Blame
}

/**
 * One call's way over the channels of its plan: which comes next, given what has failed. A place in trouble is passed
 * over for all its credentials, a spent or refused credential at all its places; a target whose channels are all out
 * gives way to the strategy's next.
 */
export class Walk {
  readonly #plan: Plan
  readonly #health: Health
  readonly #choosing: Choosing
  #targets: readonly Target[]
  #failed: Failed[] = []
  #next: Channel | undefined

  constructor(plan: Plan, health: Health, choosing: Choosing) {
    this.#plan = plan
    this.#health = health
    this.#choosing = choosing
    this.#targets = plan.targets
  }

  /** The channel to try now, if there is one. Asking twice gives the same, unless another call has just gone to probe it. */
  peek(): Channel | undefined {
    const next = this.#next
    if (!next || this.#health.restMs(next.credential, next.target.model) > 0) this.#next = this.#find()
    return this.#next
  }

  failed(channel: Channel, blame: Blame): void {
    this.#next = undefined
    this.#failed.push({ channel, blame })
    if (blame === 'context') this.#divert(this.#plan.onContextTooLong)
    if (blame === 'filter') this.#divert(this.#plan.onContentFilter)
  }

  /** Starts over where something has failed that may have passed. A refused credential stays out. */
  again(): void {
    this.#next = undefined
    this.#failed = this.#failed.filter(({ blame }) => blame === 'credential')
  }

  /** The shortest rest among the channels of this plan, in ms; 0 if one is free. */
  restMs(): number {
    let shortest = Number.POSITIVE_INFINITY
    for (const { upstream, model } of this.#targets) {
      for (const credential of upstream.credentials) {
        const refused = this.#failed.some(
          ({ channel, blame }) => blame === 'credential' && channel.credential === credential,
        )
        if (!refused) shortest = Math.min(shortest, this.#health.restMs(credential, model))
      }
    }
    return shortest
  }

  /** Only these may help, and only once. */
  #divert(targets: readonly Target[]): void {
    this.#targets = this.#targets === this.#plan.targets ? targets : []
    this.#failed = []
  }

  #find(): Channel | undefined {
    let left = this.#targets
    for (;;) {
      const [first, ...others] = left
      if (!first) return undefined
      const target =
        others.length === 0 ? first : strategies[this.#plan.strategy](left as [Target, ...Target[]], this.#choosing)
      const channel = this.#channel(target)
      if (channel) return channel
      left = left.filter((one) => one !== target)
    }
  }

  /** The first free place of a target, with its next free credential. */
  #channel(target: Target): Channel | undefined {
    const { places, credentials } = target.upstream
    for (const place of places) {
      for (let step = 0; step < credentials.length; step++) {
        const credential = credentials[(target.upstream.turn + step) % credentials.length]
        if (!credential || this.#isOut(target, credential, place)) continue
        target.upstream.turn += step + 1
        return { target, credential, place }
      }
    }
    return undefined
  }

  #isOut(target: Target, credential: Credential, place: Place): boolean {
    for (const { channel, blame } of this.#failed) {
      if (blame === 'place' || blame === 'slow') {
        if (channel.place === place && channel.target.model === target.model) return true
      } else if (channel.credential === credential && (blame === 'credential' || channel.target.model === target.model))
        return true
    }
    return this.#health.restMs(credential, target.model) > 0
  }
}

/** Whether another channel may mend it. */
export function isMendable(error: RelayError, retryTimeouts: boolean): boolean {
  return error.blame !== undefined && (error.blame !== 'slow' || retryTimeouts)
}
