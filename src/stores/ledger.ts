/** Nano-dollars: 10⁻⁹ USD. Ledgers keep whole numbers, whose sums are exact up to nine million dollars. */
export type Nanos = number

/** The most that an account may spend in a period. */
export interface SpendingCap {
  /** Unique among accounts, for example `key:alice`. */
  readonly account: string
  /** `total`, or the kind of period and its first day: `month:2026-11-01`. */
  readonly period: string
  readonly limitNanos: Nanos
}

/** Money reserved for one call, from every cap that applies to it. */
export interface Reservation {
  /** Unique among calls. */
  readonly id: string
  readonly caps: readonly SpendingCap[]
  readonly amountNanos: Nanos
}

/** What an account has spent and reserved in a period, in nano-dollars. */
export interface Balance {
  readonly spent: Nanos
  /** Reserved for running calls. */
  readonly held: Nanos
}

/**
 * Keeps accounts. The relay reserves money before a call, and settles the reservation once with the cost of the call.
 * To release a reservation, it settles with 0. Both steps are idempotent by the reservation's id. The ledger releases
 * the reservations of a process that has died. If such a call is settled later, it is still charged.
 */
export interface LedgerStore {
  /** Reserves from all caps or from none, in one atomic step. Returns the first cap that does not cover the amount. */
  reserve(reservation: Reservation): SpendingCap | undefined | Promise<SpendingCap | undefined>
  settle(reservation: Reservation, costNanos: Nanos): void | Promise<void>
  balance(account: string, period: string): Balance | Promise<Balance>
}
