import { hash } from 'node:crypto'
import type { Balance, LedgerStore, Nanos, Reservation, SpendingCap } from '../ledger.js'
import { type Database, toNumber } from './database.js'
import { isSettlement, type QueuedWrite, type SqlOperations } from './operations.js'
import type { ProcessLease } from './process-lease.js'
import { toSqlInteger } from './usage-columns.js'
import type { WriteQueue } from './write-queue.js'

/** As text, because some drivers throw for integers beyond JavaScript's safe ones. */
const SELECT_BALANCE = `SELECT CAST(spent AS TEXT) AS spent, CAST(held AS TEXT) AS held
  FROM modelmount_accounts WHERE account = $1 AND period = $2`

/** The primary key of the reservations has three such texts, and an index entry has a maximum size. */
const MAX_KEY_LENGTH = 200
const HASH_LENGTH = 24

export interface SqlLedgerOptions {
  readonly database: Database
  readonly operations: SqlOperations
  readonly queue: WriteQueue<QueuedWrite>
  readonly lease: ProcessLease
}

/**
 * Accounts in a database that several processes share. Reservations are made in the database at once. Settlements are
 * queued and written soon.
 */
export class SqlLedger implements LedgerStore {
  readonly #database: Database
  readonly #operations: SqlOperations
  readonly #queue: WriteQueue<QueuedWrite>
  readonly #lease: ProcessLease

  constructor({ database, operations, queue, lease }: SqlLedgerOptions) {
    this.#database = database
    this.#operations = operations
    this.#queue = queue
    this.#lease = lease
  }

  /** Before it refuses, it writes the queued settlements of the account, which may free money. */
  async reserve(reservation: Reservation): Promise<SpendingCap | undefined> {
    const stored = toStored(reservation)
    let exceeded = await this.#tryReserve(stored)
    if (exceeded && (await this.#flushSettlements(exceeded))) exceeded = await this.#tryReserve(stored)
    return exceeded && reservation.caps[stored.caps.indexOf(exceeded)]
  }

  settle(reservation: Reservation, costNanos: Nanos): void {
    const stored = toStored(reservation)
    this.#lease.removeReservation(stored.id)
    this.#queue.add({ reservation: stored, costNanos: toSqlInteger(costNanos) })
  }

  async balance(account: string, period: string): Promise<Balance> {
    const values = [toSqlKey(account), toSqlKey(period)]
    if (this.#queue.some(isSettlement)) await this.#queue.flush()
    const [row] = await this.#database.run({ sql: SELECT_BALANCE, values })
    return { spent: toNumber(row?.spent ?? 0), held: toNumber(row?.held ?? 0) }
  }

  async #tryReserve(reservation: Reservation): Promise<SpendingCap | undefined> {
    try {
      const exceeded = await this.#operations.reserve(reservation, this.#lease.addReservation(reservation.id))
      if (exceeded) this.#lease.removeReservation(reservation.id)
      return exceeded
    } catch (error) {
      this.#lease.removeReservation(reservation.id)
      this.#lease.renewSoon()
      // The database may have made the reservation before the connection broke. This cancels it.
      this.#queue.add({ reservation, costNanos: undefined })
      throw error
    }
  }

  /** Writes the queued settlements of an account. Returns whether there were any. */
  async #flushSettlements({ account, period }: SpendingCap): Promise<boolean> {
    const isSameAccount = (cap: SpendingCap): boolean => cap.account === account && cap.period === period
    const hasQueued = this.#queue.some((write) => isSettlement(write) && write.reservation.caps.some(isSameAccount))
    if (hasQueued) await this.#queue.flush()
    return hasQueued
  }
}

/** The reservation with values that the tables can store. */
function toStored({ id, caps, amountNanos }: Reservation): Reservation {
  const storedCaps = caps.map(({ account, period, limitNanos }) => ({
    account: toSqlKey(account),
    period: toSqlKey(period),
    limitNanos: toSqlInteger(limitNanos),
  }))
  return { id: toSqlKey(id), caps: storedCaps, amountNanos: toSqlInteger(amountNanos) }
}

/**
 * A text that an index can store. A text that is too long, or has zero bytes, is shortened and gets a hash, so that it
 * stays unique. The result then has the maximum length, which no other text has.
 */
function toSqlKey(text: string): string {
  const withoutZeros = text.replaceAll('\0', '\ufffd')
  if (withoutZeros === text && text.length < MAX_KEY_LENGTH) return text
  const start = withoutZeros.slice(0, MAX_KEY_LENGTH - HASH_LENGTH).padEnd(MAX_KEY_LENGTH - HASH_LENGTH)
  return start + hash('sha256', text).slice(0, HASH_LENGTH)
}
