import { now } from '../lib/time.js'
import type { LimitMet, LimitScope, LimitState, LimitStore, LimitTake, Taken } from './limits.js'

/** What a limit is for: a minute, in ms. */
const WINDOW_MS = 60_000
/** Sums of fractions miss whole numbers by less. */
const DUST = 1e-6
/** Nobody knows when a running call will end. */
const SLOT_GUESS_MS = 1000

/** So many are kept without a look at whether they are idle. */
const FEW = 1024

/** What a scope has used. A bucket is kept as the time at which it will be full again. */
interface Bucket {
  requestsFullAt: number
  tokensFullAt: number
  slots: number
}

/** Counts in this process's memory. What is idle is forgotten bit by bit, whenever something new comes: no timer runs. */
export class MemoryLimits implements LimitStore {
  readonly #buckets = new Map<string, Bucket>()
  #sweep = this.#buckets.entries()
  readonly #clock: () => number

  /** `clock`: in ms, and never running backwards. */
  constructor(clock: () => number = now) {
    this.#clock = clock
  }

  /** How many scopes are remembered. */
  get size(): number {
    return this.#buckets.size
  }

  take(scopes: readonly LimitScope[], draw: LimitTake): Taken {
    const time = this.#clock()
    let met: LimitMet | undefined
    for (const scope of scopes) met = later(met, this.#meet(scope, draw, time))
    if (!met) for (const scope of scopes) this.#draw(scope, draw, time)
    return this.#stand(met ? [met.scope] : scopes, met, time)
  }

  giveBack(scopes: readonly LimitScope[], { requests, tokens, slots }: LimitTake): void {
    const time = this.#clock()
    for (const { name, rpm, tpm } of scopes) {
      const bucket = this.#buckets.get(name) ?? this.#add(name, time)
      if (rpm !== undefined) bucket.requestsFullAt -= cost(requests, rpm)
      // A debt may come long after the bucket was full.
      const from = tokens < 0 ? Math.max(bucket.tokensFullAt, time) : bucket.tokensFullAt
      if (tpm !== undefined) bucket.tokensFullAt = from - cost(tokens, tpm)
      bucket.slots = Math.max(0, bucket.slots - slots)
    }
  }

  /** The limit of a scope that keeps a call waiting for the longest, if one does. */
  #meet(scope: LimitScope, { requests, tokens, slots }: LimitTake, time: number): LimitMet | undefined {
    const bucket = this.#buckets.get(scope.name)
    const { rpm, tpm, concurrency } = scope
    let met: LimitMet | undefined
    if (concurrency !== undefined && !((bucket?.slots ?? 0) + slots <= concurrency))
      met = { scope, what: 'concurrency', retryAfterMs: SLOT_GUESS_MS }
    const requestsMs = waitMs(bucket?.requestsFullAt, requests, rpm, time)
    if (requestsMs > 0) met = later(met, { scope, what: 'requests', retryAfterMs: requestsMs })
    const tokensMs = waitMs(bucket?.tokensFullAt, tokens, tpm, time)
    if (tokensMs > 0) met = later(met, { scope, what: 'tokens', retryAfterMs: tokensMs })
    return met
  }

  #draw({ name, rpm, tpm }: LimitScope, { requests, tokens, slots }: LimitTake, time: number): void {
    const bucket = this.#buckets.get(name) ?? this.#add(name, time)
    if (rpm !== undefined) bucket.requestsFullAt = Math.max(bucket.requestsFullAt, time) + cost(requests, rpm)
    if (tpm !== undefined) bucket.tokensFullAt = Math.max(bucket.tokensFullAt, time) + cost(tokens, tpm)
    bucket.slots += slots
  }

  #add(name: string, time: number): Bucket {
    this.#forget(time)
    const bucket: Bucket = { requestsFullAt: time, tokensFullAt: time, slots: 0 }
    this.#buckets.set(name, bucket)
    return bucket
  }

  /** Looks at two more at each addition: that keeps up with any number of new ones. A few idle ones do no harm. */
  #forget(time: number): void {
    if (this.#buckets.size < FEW) return
    for (let looks = 0; looks < 2; looks++) {
      const { value, done } = this.#sweep.next()
      if (done) this.#sweep = this.#buckets.entries()
      else if (isIdle(value[1], time)) this.#buckets.delete(value[0])
    }
  }

  /** Of the given scopes, those with the least left. */
  #stand(scopes: readonly LimitScope[], met: LimitMet | undefined, time: number): Taken {
    let requests: LimitState | undefined
    let tokens: LimitState | undefined
    for (const { name, rpm, tpm } of scopes) {
      const bucket = this.#buckets.get(name)
      if (rpm !== undefined) requests = tighter(requests, standing(bucket?.requestsFullAt ?? time, rpm, time))
      if (tpm !== undefined) tokens = tighter(tokens, standing(bucket?.tokensFullAt ?? time, tpm, time))
    }
    return { met, requests, tokens }
  }
}

function isIdle({ slots, requestsFullAt, tokensFullAt }: Bucket, time: number): boolean {
  return slots === 0 && requestsFullAt <= time && tokensFullAt <= time
}

/** What so many units cost of a bucket, in ms. Of a limit that lets nothing pass, or is none: more than there ever is. */
function cost(units: number, limit: number): number {
  return limit > 0 ? (Math.min(units, limit) * WINDOW_MS) / limit : 2 * WINDOW_MS
}

function waitMs(fullAt: number | undefined, units: number, limit: number | undefined, time: number): number {
  if (limit === undefined) return 0
  const wait = Math.max(fullAt ?? time, time) + cost(units, limit) - time - WINDOW_MS
  return wait > DUST ? wait : 0
}

function standing(fullAt: number, limit: number, time: number): LimitState {
  const resetMs = Math.max(0, fullAt - time)
  const remaining = Math.max(0, Math.floor(((WINDOW_MS - resetMs + DUST) * limit) / WINDOW_MS))
  return { limit, remaining, resetMs }
}

function tighter(one: LimitState | undefined, other: LimitState): LimitState {
  return one && one.remaining <= other.remaining ? one : other
}

function later(one: LimitMet | undefined, other: LimitMet | undefined): LimitMet | undefined {
  if (!one || !other) return one ?? other
  return other.retryAfterMs > one.retryAfterMs ? other : one
}
