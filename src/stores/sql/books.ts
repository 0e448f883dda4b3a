import type { Reservation, SpendingCap } from '../ledger.js'
import type { Row, Statement, Steps, Value } from './database.js'

/** What a call has cost. */
export interface Settlement {
  readonly hold: Reservation
  /** Undefined gives up a hold of which nobody knows whether it was taken: a later settlement still charges. */
  readonly nanos: number | undefined
}

/** A usage record with its number among those of its process: it is written once, however often that is tried. */
export interface NumberedRecord {
  readonly number: number
  /** One for each column. */
  readonly values: readonly Value[]
}

/** What waits to be written. */
export type Entry = Settlement | NumberedRecord

/** A process, and how long its holds last without a sign of it. */
export interface Holder {
  readonly process: string
  /** 0 where the lease need not be renewed. */
  readonly leaseMs: number
}

/** What a kind of database does in its own way. Each is one transaction. */
export interface Books {
  /** The time in ms, by the clock that all processes share, as SQL. */
  readonly now: string
  /** Statements that differ in order and number; what they give says whether a credit did not suffice. */
  reserve(hold: Reservation, holder: Holder): Promise<SpendingCap | undefined>
  /** Statements for what has been settled, with the accounts locked in order. */
  settle(settlements: readonly Settlement[], process: string): Steps<void>
  /** Statements that add records, all but those that are there already. */
  insert(records: readonly NumberedRecord[], process: string): Iterable<Statement>
  /** Releases the holds of processes whose lease has lapsed. */
  sweep(): Promise<unknown>
}

/** The first cell that a statement gave. */
export function cellOf(rows: readonly Row[], name: string): unknown {
  return rows[0]?.[name]
}
