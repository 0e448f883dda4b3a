import type { Caller } from '../../caller.js'
import type { Config } from '../../config/config.js'
import { RelayError } from '../../errors.js'
import { type Pattern, pattern } from '../../lib/patterns.js'
import { spellDuration } from '../../lib/time.js'
import type { LimitMet, LimitScope, Limits, Taken } from '../../stores/limits.js'
import type { Groups } from '../access/groups.js'

type ByModel = Readonly<Record<string, Limits>>

/** One row of `limits.models`. */
interface Row {
  readonly pattern: Pattern
  readonly limits: Limits
}

const KINDS = ['rpm', 'tpm', 'concurrency'] as const

/** Says which limits a call falls under: its key's, its key's at this model, its group's, the relay's. */
export class Limiter {
  readonly #limits: Config['limits']
  readonly #groups: Groups
  readonly #relay: readonly LimitScope[]
  readonly #rows = new WeakMap<ByModel, readonly Row[]>()
  /** By caller: what is asked for at every call is made once. */
  readonly #scopes = new WeakMap<Caller, readonly LimitScope[]>()
  /** By caller and row, for models that have limits of their own. */
  readonly #rowScopes = new WeakMap<Caller, Map<Row, readonly LimitScope[]>>()

  constructor(limits: Config['limits'], groups: Groups) {
    this.#limits = limits
    this.#groups = groups
    this.#relay = limits.relay ? scope('relay', limits.relay) : []
  }

  /** None where nothing is limited. */
  scopesOf(caller: Caller, model: string): readonly LimitScope[] {
    const row = this.#rowOf(caller, model)
    if (row) return this.#scopesOfRow(caller, row)
    let scopes = this.#scopes.get(caller)
    if (!scopes) {
      scopes = this.#make(caller, undefined)
      this.#scopes.set(caller, scopes)
    }
    return scopes
  }

  #scopesOfRow(caller: Caller, row: Row): readonly LimitScope[] {
    const known = this.#rowScopes.get(caller) ?? new Map<Row, readonly LimitScope[]>()
    const scopes = known.get(row) ?? this.#make(caller, row)
    if (known.size === 0) this.#rowScopes.set(caller, known)
    known.set(row, scopes)
    return scopes
  }

  #make(caller: Caller, row: Row | undefined): readonly LimitScope[] {
    const group = this.#groups.of(caller)
    const name = `key:${caller.id}`
    const own: Record<string, number | undefined> = {}
    for (const kind of KINDS) {
      const shared = group?.limits?.[kind] === undefined ? this.#limits[kind] : undefined
      own[kind] = caller.limits?.[kind] ?? group?.keyLimits?.[kind] ?? shared
    }
    return [
      ...scope(name, own),
      // A row counts as one: whoever may choose names under a star gains nothing by it.
      ...(row ? scope(`model:${row.pattern.text.length}:${row.pattern.text} ${name}`, row.limits) : []),
      ...(group?.limits ? scope(`group:${group.name}`, group.limits) : []),
      ...this.#relay,
    ]
  }

  #rowOf(caller: Caller, model: string): Row | undefined {
    return (
      this.#find(caller.limits?.models, model) ??
      this.#find(this.#groups.of(caller)?.keyLimits?.models, model) ??
      this.#find(this.#limits.models, model)
    )
  }

  #find(table: ByModel | undefined, model: string): Row | undefined {
    if (!table) return undefined
    let rows = this.#rows.get(table)
    if (!rows) {
      rows = Object.entries(table).map(([text, limits]) => ({ pattern: pattern(text), limits }))
      this.#rows.set(table, rows)
    }
    return rows.find((row) => row.pattern.match(model))
  }
}

function scope(name: string, limits: Limits): readonly LimitScope[] {
  const rpm = limitOf(limits.rpm)
  const tpm = limitOf(limits.tpm)
  const concurrency = limitOf(limits.concurrency)
  const isLimited = rpm !== undefined || tpm !== undefined || concurrency !== undefined
  return isLimited ? [{ name, rpm, tpm, concurrency }] : []
}

/** The host's code may say by null or Infinity that there is none. */
function limitOf(given: number | null | undefined): number | undefined {
  return given === null || given === Number.POSITIVE_INFINITY ? undefined : given
}

const UNITS: Readonly<Record<LimitMet['what'], { readonly name: string; readonly field: keyof Limits }>> = {
  requests: { name: 'requests per minute (RPM)', field: 'rpm' },
  tokens: { name: 'tokens per minute (TPM)', field: 'tpm' },
  concurrency: { name: 'concurrent requests', field: 'concurrency' },
}

/** The error of a limit that has been met. */
export function limitError({ scope, what, retryAfterMs }: LimitMet): RelayError {
  const { name, field } = UNITS[what]
  const message = `Rate limit reached for ${whoseOf(scope)} on ${name}: limit ${scope[field]}.`
  return new RelayError('rate_limited', `${message} Please try again in ${spellDuration(retryAfterMs)}.`, {
    retryAfterMs,
  })
}

/** In words for its caller: other names in it are nobody's business. */
function whoseOf({ name }: LimitScope): string {
  if (name.startsWith('key:')) return 'this key'
  const length = /^model:(\d+):/.exec(name)
  if (!length) return name
  const from = length[0].length
  return `model:${name.slice(from, from + Number(length[1]))}`
}

/** Tells how the limits stand, in OpenAI's formats. (Names made by pieces, and objects to be merged, took longer than all the rest of admission.) */
export function setLimitHeaders(told: Record<string, string>, { requests, tokens }: Taken): void {
  if (requests) {
    told['x-ratelimit-limit-requests'] = String(requests.limit)
    told['x-ratelimit-remaining-requests'] = String(requests.remaining)
    told['x-ratelimit-reset-requests'] = spellDuration(requests.resetMs)
  }
  if (tokens) {
    told['x-ratelimit-limit-tokens'] = String(tokens.limit)
    told['x-ratelimit-remaining-tokens'] = String(tokens.remaining)
    told['x-ratelimit-reset-tokens'] = spellDuration(tokens.resetMs)
  }
}
