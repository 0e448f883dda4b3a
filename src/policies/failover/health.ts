import type { Config } from '../../config/config.js'
import { now } from '../../lib/time.js'
import type { Cooldown, CooldownStore } from '../../stores/cooldowns.js'
import type { Channel } from '../../targets.js'

interface ChannelState {
  failures: number
  /** On {@link now}'s clock; 0 while it is not resting. */
  cooldownUntil: number
  /** One call has been let through to see whether it works again. */
  probing: boolean
}

/** More entries than this are not worth their memory: where routes have wildcards, callers choose the names. */
const MOST_ENTRIES = 10_000
/** What other processes have learned is asked for so often, while there are calls. */
const NEWS_MS = 1000

/**
 * What has failed of late: a credential × model at one place, or a refused credential altogether. Nothing is kept of
 * what works, so asking costs one look at an empty Map. After a rest one call may probe; the others wait for how it
 * fares. A pause that the upstream asked for (429) simply passes: it said itself when to come back.
 */
export class Health {
  readonly #conditions = new Map<string, ChannelState>()
  readonly #pauses = new Map<string, number>()
  readonly #rules: Config['health']
  /** Where other processes read what this one has learned, and this one what they have. */
  readonly #shared: CooldownStore | undefined
  /** What rests by another's word. */
  #foreign: ReadonlySet<string> = new Set()
  #newsAt = Number.NEGATIVE_INFINITY

  constructor(rules: Config['health'], shared?: CooldownStore) {
    this.#rules = rules
    this.#shared = shared
  }

  /** How many ms until this channel may be tried; 0 for now. */
  cooldownMs(channel: Channel): number {
    if (this.#shared && now() - this.#newsAt > NEWS_MS) void this.#learn(this.#shared)
    const paused = this.#pauses.size === 0 ? 0 : this.#pauseMs(quotaName(channel))
    if (this.#conditions.size === 0) return paused
    return Math.max(paused, this.#restMs(channel.credential.name), this.#restMs(channelName(channel)))
  }

  /** A call goes to this channel. True if it goes as the one probe of what was resting. */
  tryProbe(channel: Channel): boolean {
    if (this.#conditions.size === 0) return false
    const whole = this.#probe(channel.credential.name)
    return this.#probe(channelName(channel)) || whole
  }

  recordSuccess(channel: Channel): void {
    if (this.#conditions.size === 0) return
    this.#works(channel.credential.name)
    this.#works(channelName(channel))
  }

  /** One more failure in a row; it rests when that makes enough, or when its probe was the one to fail. */
  recordFailure(channel: Channel): void {
    const condition = this.#condition(channelName(channel))
    condition.failures++
    if (condition.probing || condition.failures >= this.#rules.failures)
      this.#putToRest(channelName(channel), condition)
    this.#endProbe(channel.credential.name)
  }

  /** The upstream asked for a pause of this credential × model. */
  recordRateLimit(channel: Channel, ms: number): void {
    const name = quotaName(channel)
    if (this.#pauses.size >= MOST_ENTRIES) this.#pauses.clear()
    this.#pauses.set(name, now() + ms)
    this.#shared?.put({ name, kind: 'pause', ms })
    this.releaseProbe(channel)
  }

  /** The upstream takes this credential, but not for this model. */
  recordForbidden(channel: Channel): void {
    this.recordRateLimit(channel, this.#rules.restMs)
  }

  /** The upstream does not take this credential, for any model. */
  recordRefused(channel: Channel): void {
    const { name } = channel.credential
    this.#putToRest(name, this.#condition(name))
    this.#endProbe(channelName(channel))
  }

  /** A probe ended in a way that says nothing of the channel: another may probe. */
  releaseProbe(channel: Channel): void {
    this.#endProbe(channel.credential.name)
    this.#endProbe(channelName(channel))
  }

  #pauseMs(name: string): number {
    const until = this.#pauses.get(name)
    if (until === undefined) return 0
    const left = until - now()
    if (left <= 0) this.#pauses.delete(name)
    return Math.max(left, 0)
  }

  #restMs(name: string): number {
    const condition = this.#conditions.get(name)
    if (!condition || condition.cooldownUntil === 0) return 0
    const left = condition.cooldownUntil - now()
    if (left > 0) return left
    return condition.probing ? this.#rules.restMs : 0
  }

  #probe(name: string): boolean {
    const condition = this.#conditions.get(name)
    if (!condition || condition.cooldownUntil === 0) return false
    condition.probing = true
    return true
  }

  #putToRest(name: string, condition: ChannelState): void {
    condition.cooldownUntil = now() + this.#rules.restMs
    condition.probing = false
    this.#shared?.put({ name, kind: 'rest', ms: this.#rules.restMs })
  }

  #works(name: string): void {
    const condition = this.#conditions.get(name)
    if (!condition) return
    this.#conditions.delete(name)
    if (condition.cooldownUntil > 0) this.#shared?.remove(name)
  }

  /** Takes over what other processes have learned since, and drops what they have found to work again. */
  async #learn(shared: CooldownStore): Promise<void> {
    this.#newsAt = now()
    // News that does not come is no news: what rests by another's word goes on to.
    const rests = await shared.list().catch(() => undefined)
    if (!rests) return
    const foreign = new Set<string>()
    for (const rest of rests) {
      const known = this.#conditions.get(rest.name)
      if (rest.kind === 'rest' && !(known && !this.#foreign.has(rest.name))) foreign.add(rest.name)
      this.#adopt(rest)
    }
    for (const name of this.#foreign) if (!foreign.has(name)) this.#conditions.delete(name)
    this.#foreign = foreign
  }

  #adopt({ name, kind, ms }: Cooldown): void {
    const until = now() + ms
    if (kind === 'pause') this.#pauses.set(name, Math.max(until, this.#pauses.get(name) ?? 0))
    else {
      const condition = this.#condition(name)
      if (!condition.probing) condition.cooldownUntil = Math.max(condition.cooldownUntil, until)
    }
  }

  #endProbe(name: string): void {
    const condition = this.#conditions.get(name)
    if (condition) condition.probing = false
  }

  #condition(name: string): ChannelState {
    const known = this.#conditions.get(name)
    if (known) return known
    if (this.#conditions.size >= MOST_ENTRIES) this.#conditions.clear()
    const made = { failures: 0, cooldownUntil: 0, probing: false }
    this.#conditions.set(name, made)
    return made
  }
}

/** The unit in which providers count: a credential × model, wherever it is asked. */
function quotaName({ credential, target }: Channel): string {
  return `${credential.name} ${target.model}`
}

function channelName({ credential, target, baseUrl }: Channel): string {
  return `${credential.name} ${target.model} ${baseUrl.poolKey}${baseUrl.pathPrefix}`
}
