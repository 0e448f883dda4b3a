import type { Config } from '../../config/config.js'
import { now } from '../../lib/time.js'
import type { Cooldown, CooldownStore } from '../../stores/cooldowns.js'
import type { Channel } from '../../targets.js'

/** A circuit breaker: closed while `cooldownUntil` is 0, open until that time, then half-open. */
interface ChannelState {
  /** Failures in a row. */
  failures: number
  /** On the clock of {@link now}; 0 while not cooling down. */
  cooldownUntil: number
  /** After the cooldown one call tests whether the channel works again. */
  probing: boolean
}

/** Bounds memory: where routes have wildcards, callers choose the names. */
const MAX_ENTRIES = 10_000
/** How often the relay reads the cooldowns of other processes, while there are calls. */
const SHARED_READ_INTERVAL_MS = 1000

/**
 * Keeps the cooldowns of failing channels (a credential × model at one base URL) and of refused credentials. It stores
 * nothing about working channels, so a healthy relay pays one lookup in an empty Map. After a cooldown one call probes the
 * channel while the others wait. After a rate limit (429) all waiting calls return together, when
 * the upstream's `retry-after` or the backoff ends.
 */
export class Health {
  readonly #states = new Map<string, ChannelState>()
  /** By credential × model: when the rate limit ends. */
  readonly #rateLimits = new Map<string, number>()
  readonly #config: Config['health']
  /** Shares cooldowns with other processes. */
  readonly #shared: CooldownStore | undefined
  /** Names whose cooldown another process has set. */
  #setElsewhere: ReadonlySet<string> = new Set()
  #lastSharedRead = Number.NEGATIVE_INFINITY

  constructor(config: Config['health'], shared?: CooldownStore) {
    this.#config = config
    this.#shared = shared
  }

  /** Time until the channel may be tried, in ms; 0 for now. */
  cooldownMs(channel: Channel): number {
    if (this.#shared && now() - this.#lastSharedRead > SHARED_READ_INTERVAL_MS) void this.#readShared(this.#shared)
    const rateLimitMs = this.#rateLimits.size === 0 ? 0 : this.#rateLimitMs(quotaName(channel))
    if (this.#states.size === 0) return rateLimitMs
    return Math.max(rateLimitMs, this.#stateMs(channel.credential.name), this.#stateMs(channelName(channel)))
  }

  /** Announces a call to the channel. Returns true if the call is the probe after a cooldown. */
  tryProbe(channel: Channel): boolean {
    if (this.#states.size === 0) return false
    const probesCredential = this.#startProbe(channel.credential.name)
    return this.#startProbe(channelName(channel)) || probesCredential
  }

  recordSuccess(channel: Channel): void {
    if (this.#states.size === 0) return
    this.#clear(channel.credential.name)
    this.#clear(channelName(channel))
  }

  /** Counts a failure. The channel cools down after `health.failures` in a row, and after a failed probe. */
  recordFailure(channel: Channel): void {
    const name = channelName(channel)
    const state = this.#stateOf(name)
    state.failures++
    if (state.probing || state.failures >= this.#config.failures) this.#coolDown(name, state)
    this.#endProbe(channel.credential.name)
  }

  /** The upstream limits the rate of this credential × model for `ms`. */
  recordRateLimit(channel: Channel, ms: number): void {
    const name = quotaName(channel)
    if (this.#rateLimits.size >= MAX_ENTRIES) this.#rateLimits.clear()
    this.#rateLimits.set(name, now() + ms)
    this.#shared?.put({ name, kind: 'rate-limit', ms })
    this.releaseProbe(channel)
  }

  /** The upstream accepts the credential, but not for this model. */
  recordForbidden(channel: Channel): void {
    this.recordRateLimit(channel, this.#config.cooldownMs)
  }

  /** The upstream refuses the credential for every model. */
  recordRefused(channel: Channel): void {
    const { name } = channel.credential
    this.#coolDown(name, this.#stateOf(name))
    this.#endProbe(channelName(channel))
  }

  /** The probe ended without showing anything about the channel: another call may probe. */
  releaseProbe(channel: Channel): void {
    this.#endProbe(channel.credential.name)
    this.#endProbe(channelName(channel))
  }

  #rateLimitMs(name: string): number {
    const until = this.#rateLimits.get(name)
    if (until === undefined) return 0
    const remainingMs = until - now()
    if (remainingMs <= 0) this.#rateLimits.delete(name)
    return Math.max(remainingMs, 0)
  }

  #stateMs(name: string): number {
    const state = this.#states.get(name)
    if (!state || state.cooldownUntil === 0) return 0
    const remainingMs = state.cooldownUntil - now()
    if (remainingMs > 0) return remainingMs
    return state.probing ? this.#config.cooldownMs : 0
  }

  #startProbe(name: string): boolean {
    const state = this.#states.get(name)
    if (!state || state.cooldownUntil === 0) return false
    state.probing = true
    return true
  }

  #endProbe(name: string): void {
    const state = this.#states.get(name)
    if (state) state.probing = false
  }

  #coolDown(name: string, state: ChannelState): void {
    state.cooldownUntil = now() + this.#config.cooldownMs
    state.probing = false
    this.#shared?.put({ name, kind: 'failure', ms: this.#config.cooldownMs })
  }

  #clear(name: string): void {
    const state = this.#states.get(name)
    if (!state) return
    this.#states.delete(name)
    if (state.cooldownUntil > 0) this.#shared?.remove(name)
  }

  /** Adopts the cooldowns that other processes have set, and drops those that they have cleared. */
  async #readShared(shared: CooldownStore): Promise<void> {
    this.#lastSharedRead = now()
    // While the store does not answer, the last known cooldowns stay.
    const cooldowns = await shared.list().catch(() => undefined)
    if (!cooldowns) return
    const setElsewhere = new Set<string>()
    for (const cooldown of cooldowns) {
      const isOwn = this.#states.has(cooldown.name) && !this.#setElsewhere.has(cooldown.name)
      if (cooldown.kind === 'failure' && !isOwn) setElsewhere.add(cooldown.name)
      this.#adopt(cooldown)
    }
    for (const name of this.#setElsewhere) if (!setElsewhere.has(name)) this.#states.delete(name)
    this.#setElsewhere = setElsewhere
  }

  #adopt({ name, kind, ms }: Cooldown): void {
    const until = now() + ms
    if (kind === 'rate-limit') this.#rateLimits.set(name, Math.max(until, this.#rateLimits.get(name) ?? 0))
    else {
      const state = this.#stateOf(name)
      if (!state.probing) state.cooldownUntil = Math.max(state.cooldownUntil, until)
    }
  }

  #stateOf(name: string): ChannelState {
    const known = this.#states.get(name)
    if (known) return known
    if (this.#states.size >= MAX_ENTRIES) this.#states.clear()
    const made = { failures: 0, cooldownUntil: 0, probing: false }
    this.#states.set(name, made)
    return made
  }
}

/** Providers count rate limits per credential × model, at all base URLs together. */
function quotaName({ credential, target }: Channel): string {
  return `${credential.name} ${target.model}`
}

function channelName({ credential, target, baseUrl }: Channel): string {
  return `${credential.name} ${target.model} ${baseUrl.poolKey}${baseUrl.pathPrefix}`
}
