import type { Caller } from '../../caller.js'
import type { Config } from '../../config/config.js'
import { RelayError } from '../../errors.js'
import { type Pattern, pattern } from '../../lib/patterns.js'
import { formatDuration } from '../../lib/time.js'
import type { ExceededLimit, LimitScope, Limits, TakeResult } from '../../stores/limits.js'
import type { Groups } from '../access/groups.js'

type ByModel = Readonly<Record<string, Limits>>

/** One row of `limits.models`. */
interface Row {
  readonly pattern: Pattern
  readonly limits: Limits
}

const KINDS = ['rpm', 'tpm', 'concurrency'] as const

/** Finds the limits that apply to a call: of its key, of its key at this model, of its group, of the relay. */
export class Limiter {
  readonly #limits: Config['limits']
  readonly #groups: Groups
  readonly #relay: readonly LimitScope[]
  readonly #rows = new WeakMap<ByModel, readonly Row[]>()
  /** By caller: computed once, needed for every call. */
  readonly #scopes = new WeakMap<Caller, readonly LimitScope[]>()
  /** By caller and row, for models with their own limits. */
  readonly #rowScopes = new WeakMap<Caller, Map<Row, readonly LimitScope[]>>()

  constructor(limits: Config['limits'], groups: Groups) {
    this.#limits = limits
    this.#groups = groups
    this.#relay = limits.relay ? createScope('relay', limits.relay) : []
  }

  /** The limits of a call; empty where nothing is limited. */
  scopesOf(caller: Caller, model: string): readonly LimitScope[] {
    const row = this.#rowOf(caller, model)
    if (row) return this.#scopesOfRow(caller, row)
    let scopes = this.#scopes.get(caller)
    if (!scopes) {
      scopes = this.#createScopes(caller, undefined)
      this.#scopes.set(caller, scopes)
    }
    return scopes
  }

  #scopesOfRow(caller: Caller, row: Row): readonly LimitScope[] {
    const known = this.#rowScopes.get(caller) ?? new Map<Row, readonly LimitScope[]>()
    const scopes = known.get(row) ?? this.#createScopes(caller, row)
    if (known.size === 0) this.#rowScopes.set(caller, known)
    known.set(row, scopes)
    return scopes
  }

  #createScopes(caller: Caller, row: Row | undefined): readonly LimitScope[] {
    const group = this.#groups.of(caller)
    const name = `key:${caller.id}`
    const keyLimits: Record<string, number | undefined> = {}
    for (const kind of KINDS) {
      const relayDefault = group?.limits?.[kind] === undefined ? this.#limits[kind] : undefined
      keyLimits[kind] = caller.limits?.[kind] ?? group?.keyLimits?.[kind] ?? relayDefault
    }
    return [
      ...createScope(name, keyLimits),
      // All names that match a row share its limits, so a caller gains nothing by choosing other names.
      ...(row ? createScope(`model:${row.pattern.text.length}:${row.pattern.text} ${name}`, row.limits) : []),
      ...(group?.limits ? createScope(`group:${group.name}`, group.limits) : []),
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

function createScope(name: string, limits: Limits): readonly LimitScope[] {
  const rpm = limitOf(limits.rpm)
  const tpm = limitOf(limits.tpm)
  const concurrency = limitOf(limits.concurrency)
  const isLimited = rpm !== undefined || tpm !== undefined || concurrency !== undefined
  return isLimited ? [{ name, rpm, tpm, concurrency }] : []
}

/** The host's code may pass null or Infinity for no limit. */
function limitOf(limit: number | null | undefined): number | undefined {
  return limit === null || limit === Number.POSITIVE_INFINITY ? undefined : limit
}

const UNITS: Readonly<Record<ExceededLimit['kind'], { readonly name: string; readonly field: keyof Limits }>> = {
  requests: { name: 'requests per minute (RPM)', field: 'rpm' },
  tokens: { name: 'tokens per minute (TPM)', field: 'tpm' },
  concurrency: { name: 'concurrent requests', field: 'concurrency' },
}

/** The error for an exhausted limit. */
export function limitError({ scope, kind, retryAfterMs }: ExceededLimit): RelayError {
  const { name, field } = UNITS[kind]
  const message = `Rate limit reached for ${describeScope(scope)} on ${name}: limit ${scope[field]}.`
  return new RelayError('rate_limited', `${message} Please try again in ${formatDuration(retryAfterMs)}.`, {
    retryAfterMs,
  })
}

/** The scope as its caller may see it: without the ids of keys. */
function describeScope({ name }: LimitScope): string {
  if (name.startsWith('key:')) return 'this key'
  const length = /^model:(\d+):/.exec(name)
  if (!length) return name
  const from = length[0].length
  return `model:${name.slice(from, from + Number(length[1]))}`
}

/** Writes the state of the limits, in OpenAI's formats. Spelled out, because composed names and merged objects cost more than all other work of admission. */
export function setLimitHeaders(headers: Record<string, string>, { requests, tokens }: TakeResult): void {
  if (requests) {
    headers['x-ratelimit-limit-requests'] = String(requests.limit)
    headers['x-ratelimit-remaining-requests'] = String(requests.remaining)
    headers['x-ratelimit-reset-requests'] = formatDuration(requests.resetMs)
  }
  if (tokens) {
    headers['x-ratelimit-limit-tokens'] = String(tokens.limit)
    headers['x-ratelimit-remaining-tokens'] = String(tokens.remaining)
    headers['x-ratelimit-reset-tokens'] = formatDuration(tokens.resetMs)
  }
}
