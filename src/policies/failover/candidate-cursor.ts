import type { FailureScope } from '../../errors.js'
import type { Channel, Target } from '../../targets.js'
import type { RoutePlan } from '../routing/router.js'
import { type StrategyInputs, strategies } from '../routing/strategies.js'
import type { Health } from './health.js'

/** A failure of this call, and the channel it happened on. */
interface Failed {
  readonly channel: Channel
  readonly scope: FailureScope
}

/**
 * Walks one call over the channels of its plan and picks the next one, given what has failed. A failing base URL is
 * skipped for all its credentials; an exhausted or refused credential is skipped at all its base URLs. When all
 * channels of a target are out, the strategy picks the next target.
 */
export class CandidateCursor {
  readonly #plan: RoutePlan
  readonly #health: Health
  readonly #inputs: StrategyInputs
  #targets: readonly Target[]
  #failed: Failed[] = []
  #candidate: Channel | undefined

  constructor(plan: RoutePlan, health: Health, inputs: StrategyInputs) {
    this.#plan = plan
    this.#health = health
    this.#inputs = inputs
    this.#targets = plan.targets
  }

  /**
   * The channel to try now; undefined if none is usable. Repeated calls return the same channel, unless another call has
   * started to probe it. The choice, not the sending, advances the rotation of credentials.
   */
  next(): Channel | undefined {
    const candidate = this.#candidate
    if (!candidate || this.#health.cooldownMs(candidate) > 0) this.#candidate = this.#find()
    return this.#candidate
  }

  /** Takes out what a failure rules out for this call. */
  exclude(channel: Channel, scope: FailureScope): void {
    this.#candidate = undefined
    this.#failed.push({ channel, scope })
    if (scope === 'context') this.#switchTo(this.#plan.onContextTooLong)
    if (scope === 'filter') this.#switchTo(this.#plan.onContentFilter)
  }

  /** Makes all channels candidates again, except those of a refused credential. */
  restart(): void {
    this.#candidate = undefined
    this.#failed = this.#failed.filter(({ scope }) => scope === 'credential')
  }

  /** The shortest cooldown among the channels that this call may use, in ms: 0 if one is usable now, Infinity if there is none. */
  cooldownMs(): number {
    let shortest = Number.POSITIVE_INFINITY
    for (const { channels } of this.#targets) {
      for (const channel of channels) {
        const isRefused = this.#failed.some(
          (failed) => failed.scope === 'credential' && failed.channel.credential === channel.credential,
        )
        if (!isRefused) shortest = Math.min(shortest, this.#health.cooldownMs(channel))
      }
    }
    return shortest
  }

  /** Continues with these targets only. Happens once: a failure of these ends the call. */
  #switchTo(targets: readonly Target[]): void {
    this.#targets = this.#targets === this.#plan.targets ? targets : []
    this.#failed = []
  }

  #find(): Channel | undefined {
    let remaining = this.#targets
    for (;;) {
      const [first] = remaining
      if (!first) return undefined
      const choose = strategies[this.#plan.strategy]
      const target = remaining.length === 1 ? first : choose(remaining as [Target, ...Target[]], this.#inputs)
      const channel = this.#usableChannel(target)
      if (channel) return channel
      remaining = remaining.filter((other) => other !== target)
    }
  }

  /** The target's first usable base URL, with the credential whose turn it is. */
  #usableChannel({ channels, upstream }: Target): Channel | undefined {
    const count = upstream.credentials.length
    for (let index = 0; index < channels.length; index++) {
      const firstOfBaseUrl = index - (index % count)
      const channel = channels[firstOfBaseUrl + ((upstream.picks + index) % count)] as Channel
      if (this.#failed.some((failed) => rulesOut(failed, channel)) || this.#health.cooldownMs(channel) > 0) continue
      upstream.picks += (index % count) + 1
      return channel
    }
    return undefined
  }
}

/** Whether a failure on one channel rules out another. */
function rulesOut({ channel: failed, scope }: Failed, { target, credential, baseUrl }: Channel): boolean {
  if (scope === 'credential') return failed.credential === credential
  if (failed.target.model !== target.model) return false
  return scope === 'base-url' || scope === 'timeout' ? failed.baseUrl === baseUrl : failed.credential === credential
}
