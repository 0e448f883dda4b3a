import { now } from '../../lib/time.js'
import type { ExceededLimit, LimitScope, LimitState, LimitStore, LimitTake, TakeResult } from '../limits.js'

/** `rpm` and `tpm` are limits per minute. */
const WINDOW_MS = 60_000
/** Rounding errors of sums are smaller than this. */
const ROUNDING_TOLERANCE = 1e-6
/**
 * `retryAfterMs` of an exceeded `concurrency` limit. It is a guess, because the relay does not know when a running call will
 * end.
 */
const CONCURRENCY_RETRY_MS = 1000
/** Up to this number of scopes, the store does not look for idle ones. */
const MIN_SCOPES_TO_SWEEP = 1024

/** What a scope uses. A bucket is stored as the time at which it will be full again. */
interface ScopeUsage {
  requestsFullAt: number
  tokensFullAt: number
  slots: number
}

/**
 * Counts in the memory of this process. It forgets idle scopes step by step, whenever a new scope comes, so it needs no
 * timer.
 */
export class MemoryLimits implements LimitStore {
  readonly #usages = new Map<string, ScopeUsage>()
  #sweep = this.#usages.entries()
  readonly #clock: () => number

  /** @param clock gives the time in ms, and never goes back */
  constructor(clock: () => number = now) {
    this.#clock = clock
  }

  /** How many scopes the store remembers. */
  get size(): number {
    return this.#usages.size
  }

  take(scopes: readonly LimitScope[], take: LimitTake): TakeResult {
    const time = this.#clock()
    let exceeded: ExceededLimit | undefined
    for (const scope of scopes) exceeded = longerWait(exceeded, this.#findExceeded(scope, take, time))
    if (!exceeded) for (const scope of scopes) this.#add(scope, take, time)
    return this.#resultFor(exceeded ? [exceeded.scope] : scopes, exceeded, time)
  }

  giveBack(scopes: readonly LimitScope[], { requests, tokens, slots }: LimitTake): void {
    const time = this.#clock()
    for (const { name, rpm, tpm } of scopes) {
      const usage = this.#usages.get(name) ?? this.#create(name, time)
      if (rpm !== undefined) usage.requestsFullAt -= costMs(requests, rpm)
      // A debt may come long after the bucket became full. It then counts from now.
      const fullAt = tokens < 0 ? Math.max(usage.tokensFullAt, time) : usage.tokensFullAt
      if (tpm !== undefined) usage.tokensFullAt = fullAt - costMs(tokens, tpm)
      usage.slots = Math.max(0, usage.slots - slots)
    }
  }

  /** The limit of a scope with the longest wait. Undefined if the call passes. */
  #findExceeded(scope: LimitScope, { requests, tokens, slots }: LimitTake, time: number): ExceededLimit | undefined {
    const usage = this.#usages.get(scope.name)
    const { rpm, tpm, concurrency } = scope
    let exceeded: ExceededLimit | undefined
    if (concurrency !== undefined && !((usage?.slots ?? 0) + slots <= concurrency))
      exceeded = { scope, kind: 'concurrency', retryAfterMs: CONCURRENCY_RETRY_MS }
    const requestsMs = waitMs(usage?.requestsFullAt, requests, rpm, time)
    if (requestsMs > 0) exceeded = longerWait(exceeded, { scope, kind: 'requests', retryAfterMs: requestsMs })
    const tokensMs = waitMs(usage?.tokensFullAt, tokens, tpm, time)
    if (tokensMs > 0) exceeded = longerWait(exceeded, { scope, kind: 'tokens', retryAfterMs: tokensMs })
    return exceeded
  }

  #add({ name, rpm, tpm }: LimitScope, { requests, tokens, slots }: LimitTake, time: number): void {
    const usage = this.#usages.get(name) ?? this.#create(name, time)
    if (rpm !== undefined) usage.requestsFullAt = Math.max(usage.requestsFullAt, time) + costMs(requests, rpm)
    if (tpm !== undefined) usage.tokensFullAt = Math.max(usage.tokensFullAt, time) + costMs(tokens, tpm)
    usage.slots += slots
  }

  #create(name: string, time: number): ScopeUsage {
    this.#forgetIdle(time)
    const usage: ScopeUsage = { requestsFullAt: time, tokensFullAt: time, slots: 0 }
    this.#usages.set(name, usage)
    return usage
  }

  /** Checks two scopes for each new one: that keeps up with any number of new scopes. */
  #forgetIdle(time: number): void {
    if (this.#usages.size < MIN_SCOPES_TO_SWEEP) return
    for (let checks = 0; checks < 2; checks++) {
      const { value, done } = this.#sweep.next()
      if (done) this.#sweep = this.#usages.entries()
      else if (isIdle(value[1], time)) this.#usages.delete(value[0])
    }
  }

  /** Reports the state of the tightest of these scopes. */
  #resultFor(scopes: readonly LimitScope[], exceeded: ExceededLimit | undefined, time: number): TakeResult {
    let requests: LimitState | undefined
    let tokens: LimitState | undefined
    for (const { name, rpm, tpm } of scopes) {
      const usage = this.#usages.get(name)
      if (rpm !== undefined) requests = tighter(requests, stateOf(usage?.requestsFullAt ?? time, rpm, time))
      if (tpm !== undefined) tokens = tighter(tokens, stateOf(usage?.tokensFullAt ?? time, tpm, time))
    }
    return { exceeded, requests, tokens }
  }
}

function isIdle({ slots, requestsFullAt, tokensFullAt }: ScopeUsage, time: number): boolean {
  return slots === 0 && requestsFullAt <= time && tokensFullAt <= time
}

/**
 * The time in which a bucket refills by this many units, in ms. A limit of zero or NaN lets nothing pass: its units
 * cost more than a full bucket.
 */
function costMs(units: number, limit: number): number {
  return limit > 0 ? (Math.min(units, limit) * WINDOW_MS) / limit : 2 * WINDOW_MS
}

function waitMs(fullAt: number | undefined, units: number, limit: number | undefined, time: number): number {
  if (limit === undefined) return 0
  const wait = Math.max(fullAt ?? time, time) + costMs(units, limit) - time - WINDOW_MS
  return wait > ROUNDING_TOLERANCE ? wait : 0
}

function stateOf(fullAt: number, limit: number, time: number): LimitState {
  const resetMs = Math.max(0, fullAt - time)
  const remaining = Math.max(0, Math.floor(((WINDOW_MS - resetMs + ROUNDING_TOLERANCE) * limit) / WINDOW_MS))
  return { limit, remaining, resetMs }
}

function tighter(one: LimitState | undefined, other: LimitState): LimitState {
  return one && one.remaining <= other.remaining ? one : other
}

function longerWait(one: ExceededLimit | undefined, other: ExceededLimit | undefined): ExceededLimit | undefined {
  if (!one || !other) return one ?? other
  return other.retryAfterMs > one.retryAfterMs ? other : one
}
