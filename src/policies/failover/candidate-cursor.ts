import type { Channel, Target } from '../../call.js'
import type { FailureScope } from '../../errors.js'
import type { RoutePlan } from '../routing/router.js'
import { type StrategyInputs, strategies } from '../routing/strategies.js'
import type { Health } from './health.js'

/** A failure of this call, and the channel it happened on. */
interface Failed {
  readonly channel: Channel
  readonly blame: FailureScope
}

/**
 * One call's way over the channels of its plan: which comes next, given what has failed. A place in trouble is passed
 * over for all its credentials, a spent or refused credential at all its places; a target whose channels are all out
 * gives way to the strategy's next.
 */
export class CandidateCursor {
  readonly #plan: RoutePlan
  readonly #health: Health
  readonly #choosing: StrategyInputs
  #targets: readonly Target[]
  #failed: Failed[] = []
  #candidate: Channel | undefined

  constructor(plan: RoutePlan, health: Health, choosing: StrategyInputs) {
    this.#plan = plan
    this.#health = health
    this.#choosing = choosing
    this.#targets = plan.targets
  }

  /**
   * The channel to try now, if there is one. Asking twice gives the same, unless another call has just gone to probe it.
   * The pool's turn passes on with the choice, not with the sending.
   */
  next(): Channel | undefined {
    const next = this.#candidate
    if (!next || this.#health.cooldownMs(next) > 0) this.#candidate = this.#find()
    return this.#candidate
  }

  exclude(channel: Channel, blame: FailureScope): void {
    this.#candidate = undefined
    this.#failed.push({ channel, blame })
    if (blame === 'context') this.#switchTo(this.#plan.onContextTooLong)
    if (blame === 'filter') this.#switchTo(this.#plan.onContentFilter)
  }

  /** Starts over where something has failed that may have passed. A refused credential stays out. */
  restart(): void {
    this.#candidate = undefined
    this.#failed = this.#failed.filter(({ blame }) => blame === 'credential')
  }

  /** The shortest rest among the channels that this call may still use, in ms: 0 if one is free, Infinity if there is none. */
  cooldownMs(): number {
    let shortest = Number.POSITIVE_INFINITY
    for (const { channels } of this.#targets) {
      for (const channel of channels) {
        const refused = this.#failed.some(
          (one) => one.blame === 'credential' && one.channel.credential === channel.credential,
        )
        if (!refused) shortest = Math.min(shortest, this.#health.cooldownMs(channel))
      }
    }
    return shortest
  }

  /** Only these may help, and only once. */
  #switchTo(targets: readonly Target[]): void {
    this.#targets = this.#targets === this.#plan.targets ? targets : []
    this.#failed = []
  }

  #find(): Channel | undefined {
    let left = this.#targets
    for (;;) {
      const [first] = left
      if (!first) return undefined
      const choose = strategies[this.#plan.strategy]
      const target = left.length === 1 ? first : choose(left as [Target, ...Target[]], this.#choosing)
      const channel = this.#channel(target)
      if (channel) return channel
      left = left.filter((one) => one !== target)
    }
  }

  /** The first free place of a target, with its next free credential. */
  #channel({ channels, upstream }: Target): Channel | undefined {
    const count = upstream.credentials.length
    for (let index = 0; index < channels.length; index++) {
      const atPlace = index - (index % count)
      const channel = channels[atPlace + ((upstream.picks + index) % count)] as Channel
      if (this.#failed.some((failed) => isOut(channel, failed)) || this.#health.cooldownMs(channel) > 0) continue
      upstream.picks += (index % count) + 1
      return channel
    }
    return undefined
  }
}

/** Whether what has failed speaks against this channel too. */
function isOut({ target, credential, baseUrl }: Channel, { channel, blame }: Failed): boolean {
  if (blame === 'credential') return channel.credential === credential
  if (channel.target.model !== target.model) return false
  return blame === 'place' || blame === 'slow' ? channel.baseUrl === baseUrl : channel.credential === credential
}
