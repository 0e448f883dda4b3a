/** What may be used of the relay; each left out where there is no limit. */
export interface Limits {
  /** Requests a minute: a bucket of so many, refilled evenly. */
  readonly rpm?: number | undefined
  /** Tokens a minute, likewise. */
  readonly tpm?: number | undefined
  /** Calls at a time. */
  readonly concurrency?: number | undefined
}

/** Whoever has limits: a key, a group, a key at one model, the whole relay. */
export interface LimitScope extends Limits {
  /** Unique among scopes, as `key:alice`. */
  readonly name: string
}

/** What a call takes of each of its scopes, or gives back. */
export interface LimitTake {
  readonly requests: number
  /** When given back: negative for what the estimate had missed, which becomes a debt. */
  readonly tokens: number
  readonly slots: number
}

/** How a bucket stands. */
export interface LimitState {
  readonly limit: number
  /** Whole units that are left. */
  readonly remaining: number
  /** Until it is full again, if nobody takes more. In ms. */
  readonly resetMs: number
}

/** Which limit a call has met. */
export interface LimitMet {
  readonly scope: LimitScope
  readonly what: 'requests' | 'tokens' | 'concurrency'
  /** From then on the same call would pass, if no other comes before it. In ms; a guess for `concurrency`. */
  readonly retryAfterMs: number
}

/** How a call fared with all its scopes: it has what it wanted of each, or nothing of any. */
export interface Taken {
  readonly met: LimitMet | undefined
  /** The scope with the least left; undefined where no scope has such a limit. */
  readonly requests: LimitState | undefined
  readonly tokens: LimitState | undefined
}

/**
 * Counts what is used, by scope. A minute's limit is a bucket that refills evenly (GCRA): nothing is forgiven at the turn
 * of a minute, and a debt is paid off before anything passes again. A draw larger than a bucket wants all of it.
 */
export interface LimitStore {
  /** All or nothing, in one atomic step. A call that is refused has taken nothing. */
  take(scopes: readonly LimitScope[], draw: LimitTake): Taken | Promise<Taken>
  giveBack(scopes: readonly LimitScope[], draw: LimitTake): void | Promise<void>
}
