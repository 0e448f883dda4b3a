/** Money is counted in whole nano-dollars: sums of them are exact up to nine million dollars. */
export type Nanos = number

/** Credit that an account has for a period. */
export interface SpendingCap {
  /** Unique among accounts, as `key:alice`. */
  readonly account: string
  /** `total`, or the day it began on, as `2026-11-24`, with its kind before it: `month:2026-11-01`. */
  readonly period: string
  readonly nanos: Nanos
}

/** Money set aside for one call, of every credit that it falls under. */
export interface Reservation {
  /** Unique among calls. */
  readonly id: string
  readonly caps: readonly SpendingCap[]
  readonly nanos: Nanos
}

/** What an account has done in a period. */
export interface Balance {
  readonly spent: Nanos
  /** Set aside for calls under way. */
  readonly held: Nanos
}

/**
 * Keeps accounts. A hold is taken before a call and ends once: settled with what the call has cost, or released, which is
 * settled with 0. Both steps are idempotent by the hold's id. Holds of a process that has died are released; a call that
 * is settled all the same is still charged.
 */
export interface LedgerStore {
  /** Sets money aside of all credits, or of none: then the first that does not suffice is given. One atomic step. */
  reserve(hold: Reservation): SpendingCap | undefined | Promise<SpendingCap | undefined>
  settle(hold: Reservation, nanos: Nanos): void | Promise<void>
  balance(account: string, period: string): Balance | Promise<Balance>
}
