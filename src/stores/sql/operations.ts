import type { Reservation, SpendingCap } from '../ledger.js'
import type { SqlRow, SqlStatement, SqlValue, TransactionSteps } from './database.js'

/** The end of a reservation. */
export interface Settlement {
  readonly reservation: Reservation
  /**
   * The cost of the call. Undefined cancels a reservation that may have been made although its step failed. The call
   * can still be settled later, and is then charged.
   */
  readonly costNanos: number | undefined
}

/** A usage record with its number within this process, so that it is written once, however often the write is tried. */
export interface NumberedRecord {
  readonly number: number
  /** One value for each column. */
  readonly values: readonly SqlValue[]
}

/** What the write queue holds. */
export type QueuedWrite = Settlement | NumberedRecord

export function isSettlement(write: QueuedWrite): write is Settlement {
  return 'reservation' in write
}

/** The process that makes a reservation. */
export interface LeaseHolder {
  readonly processId: string
  /** The length of its new lease. 0 if the lease need not be renewed. */
  readonly leaseMs: number
}

/** What SQLite and PostgreSQL do in different ways. Each operation is one transaction, or steps of one. */
export interface SqlOperations {
  /** SQL expression for the time in ms, by the clock that all processes share. */
  readonly nowSql: string
  /** Returns the first cap that does not cover the amount. */
  reserve(reservation: Reservation, holder: LeaseHolder): Promise<SpendingCap | undefined>
  /** Locks the accounts in order and charges them. */
  settle(settlements: readonly Settlement[], processId: string): TransactionSteps<void>
  /** Inserts the records that are not there yet. */
  insertRecords(records: readonly NumberedRecord[], processId: string): Iterable<SqlStatement>
  /** Releases the reservations of processes whose lease has expired. */
  sweep(): Promise<unknown>
}

/** The value of a column in the first row. */
export function firstCell(rows: readonly SqlRow[], name: string): unknown {
  return rows[0]?.[name]
}
