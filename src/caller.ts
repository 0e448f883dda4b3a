import type { Limits } from './stores/limits.js'

/** Who is calling: the owner of one of the relay's keys, or a user that the host's `authenticate` returns. */
export interface Caller {
  /** Unique among callers. Appears in logs and usage records, so it is never the secret. */
  readonly id: string
  readonly group?: string | undefined
  /** Public model names that this caller may use; `*` matches any characters. Default: the list of its group, else every model. */
  readonly models?: readonly string[] | undefined
  /** Each limit given here overrides the same limit of the group's `keyLimits` and of the relay's `limits`. */
  readonly limits?: CallerLimits | undefined
  /** What the caller may spend. With several budgets, a call must fit into each. */
  readonly budget?: Budget | readonly Budget[] | undefined
}

/** Limits of a caller over all models, and per model: public names, `*` matches any characters. */
export interface CallerLimits extends Limits {
  readonly models?: Readonly<Record<string, Limits>> | undefined
}

/** An amount that may be spent: once (`total`), or per day, week (from Monday) or month, in UTC. */
export interface Budget {
  readonly usd: number
  readonly per?: 'total' | 'day' | 'week' | 'month' | undefined
}
