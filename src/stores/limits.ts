/** Limits of a caller, a group or the relay. A limit that is left out does not apply. */
export interface Limits {
  /** Requests per minute: a token bucket of this size, which refills evenly. */
  readonly rpm?: number | undefined
  /** Tokens per minute: likewise. */
  readonly tpm?: number | undefined
  /** Calls at the same time. */
  readonly concurrency?: number | undefined
}

/** The limits of one key, of a group, of a key at one model, or of the whole relay. */
export interface LimitScope extends Limits {
  /** Unique among scopes, for example `key:alice`. */
  readonly name: string
}

/** How much a call takes from each of its scopes, or gives back. */
export interface LimitTake {
  readonly requests: number
  /** When given back: negative if the estimate was too low. The difference becomes a debt. */
  readonly tokens: number
  readonly slots: number
}

/** The state of a bucket. */
export interface LimitState {
  readonly limit: number
  /** Whole units that are left. */
  readonly remaining: number
  /** Time until the bucket is full again if nobody takes more, in ms. */
  readonly resetMs: number
}

/** The limit that refuses a call. */
export interface ExceededLimit {
  readonly scope: LimitScope
  readonly kind: 'requests' | 'tokens' | 'concurrency'
  /** When the same call would pass if no other comes before it, in ms from now. For `concurrency` a guess. */
  readonly retryAfterMs: number
}

/** The result of a take from several scopes: the call has everything it asked for, or nothing. */
export interface TakeResult {
  /** Undefined if the call passes. */
  readonly exceeded: ExceededLimit | undefined
  /** State of the scope with the fewest requests left. Undefined if no scope limits requests. */
  readonly requests: LimitState | undefined
  /** State of the scope with the fewest tokens left. Undefined if no scope limits tokens. */
  readonly tokens: LimitState | undefined
}

/**
 * Counts what each scope uses. `rpm` and `tpm` are buckets that refill evenly (GCRA): nothing resets at the turn of a
 * minute, and a debt is paid off before another call passes. A take larger than a bucket needs the full bucket.
 */
export interface LimitStore {
  /** Takes from all scopes or from none, in one atomic step. */
  take(scopes: readonly LimitScope[], take: LimitTake): TakeResult | Promise<TakeResult>
  giveBack(scopes: readonly LimitScope[], take: LimitTake): void | Promise<void>
}
