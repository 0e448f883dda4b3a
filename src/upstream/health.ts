import type { Channel, Credential } from '../call.js'
import { now } from '../lib/time.js'

/** When a credential that kept failing may be tried again. */
export interface HealthRules {
  /** Failures in a row before a rest. */
  readonly failures: number
  readonly restMs: number
}

interface Condition {
  failures: number
  /** On {@link now}'s clock; 0 while it is not resting. */
  restUntil: number
  /** One call has been let through to see whether it works again. */
  probing: boolean
}

/** Entries for more than this many names are not worth their memory; a name comes from the caller where routes have wildcards. */
const MOST = 10_000

/**
 * What has failed of late, by credential × model; a refused credential also as a whole. Nothing is kept of what works,
 * so asking costs one look at an empty Map. After a rest one call may probe; the others wait for how it fares.
 */
export class Health {
  readonly #records = new Map<string, Condition>()
  readonly #rules: HealthRules

  constructor(rules: HealthRules) {
    this.#rules = rules
  }

  /** How many ms until this channel may be tried; 0 for now. */
  restMs(credential: Credential, model: string): number {
    if (this.#records.size === 0) return 0
    return Math.max(this.#rest(credential.name), this.#rest(key(credential, model)))
  }

  /** A call goes to this channel. True if it goes as the one probe of a channel that was resting. */
  enter({ credential, target }: Channel): boolean {
    if (this.#records.size === 0) return false
    const whole = this.#probe(credential.name)
    return this.#probe(key(credential, target.model)) || whole
  }

  succeeded({ credential, target }: Channel): void {
    if (this.#records.size === 0) return
    this.#records.delete(credential.name)
    this.#records.delete(key(credential, target.model))
  }

  /** One more failure in a row; it rests when that makes enough, or when its probe was the one to fail. */
  failed({ credential, target }: Channel): void {
    const record = this.#record(key(credential, target.model))
    record.failures++
    if (record.probing || record.failures >= this.#rules.failures) this.#lay(record, this.#rules.restMs)
    this.#free(credential.name)
  }

  /** The upstream asked for a pause of this credential × model. */
  paused({ credential, target }: Channel, ms: number): void {
    this.#lay(this.#record(key(credential, target.model)), ms)
    this.#free(credential.name)
  }

  /** The upstream does not take this credential, for any model. */
  refused({ credential, target }: Channel): void {
    this.#lay(this.#record(credential.name), this.#rules.restMs)
    this.#free(key(credential, target.model))
  }

  /** The probe ended in a way that says nothing of the channel: another may probe. */
  undecided({ credential, target }: Channel): void {
    this.#free(credential.name)
    this.#free(key(credential, target.model))
  }

  #probe(name: string): boolean {
    const record = this.#records.get(name)
    if (!record || record.restUntil === 0) return false
    record.probing = true
    return true
  }

  #rest(name: string): number {
    const record = this.#records.get(name)
    if (!record || record.restUntil === 0) return 0
    const left = record.restUntil - now()
    if (left > 0) return left
    return record.probing ? this.#rules.restMs : 0
  }

  #lay(record: Condition, ms: number): void {
    record.restUntil = now() + ms
    record.probing = false
  }

  #free(name: string): void {
    const record = this.#records.get(name)
    if (record) record.probing = false
  }

  #record(name: string): Condition {
    const known = this.#records.get(name)
    if (known) return known
    if (this.#records.size >= MOST) this.#records.clear()
    const made = { failures: 0, restUntil: 0, probing: false }
    this.#records.set(name, made)
    return made
  }
}

function key(credential: Credential, model: string): string {
  return `${credential.name} ${model}`
}
