import { hash } from 'node:crypto'
import type { Balance, LedgerStore, Nanos, Reservation, SpendingCap } from '../ledger.js'
import type { Books, Entry } from './books.js'
import { type Database, numberOf } from './database.js'
import type { Lease } from './lease.js'
import type { Queue } from './queue.js'
import { wholeOf } from './usage-columns.js'

const BALANCE = `SELECT CAST(spent AS TEXT) AS spent, CAST(held AS TEXT) AS held
  FROM modelmount_accounts WHERE account = $1 AND period = $2`

/** What an index takes beside two others of its kind. */
const LONGEST_KEY = 200
const HASH_LENGTH = 24

/** What the ledger stands on. */
export interface LedgerParts {
  readonly database: Database
  readonly books: Books
  readonly queue: Queue<Entry>
  readonly lease: Lease
}

/** Accounts in a database that processes share. Holds are taken there at once; what calls have cost is written soon. */
export class SqlLedger implements LedgerStore {
  readonly #parts: LedgerParts

  constructor(parts: LedgerParts) {
    this.#parts = parts
  }

  /** Money that has been given back, but is not written yet, is written before anyone is refused for it. */
  async reserve(hold: Reservation): Promise<SpendingCap | undefined> {
    const kept = keptOf(hold)
    let refused = await this.#take(kept)
    if (refused && (await this.#givesBack(refused))) refused = await this.#take(kept)
    return refused && hold.caps[kept.caps.indexOf(refused)]
  }

  settle(hold: Reservation, nanos: Nanos): void {
    this.#parts.lease.end(hold.id)
    this.#parts.queue.add({ hold: keptOf(hold), nanos: wholeOf(nanos) })
  }

  async balance(account: string, period: string): Promise<Balance> {
    const { database, queue } = this.#parts
    const values = [keyOf(account), keyOf(period)]
    if (queue.some((entry) => 'hold' in entry)) await queue.flush()
    const [row] = await database.run({ sql: BALANCE, values })
    return { spent: numberOf(row?.spent ?? 0), held: numberOf(row?.held ?? 0) }
  }

  async #take(hold: Reservation): Promise<SpendingCap | undefined> {
    const { books, lease, queue } = this.#parts
    try {
      const refused = await books.reserve(hold, lease.begin(hold.id))
      if (refused) lease.end(hold.id)
      return refused
    } catch (error) {
      lease.end(hold.id)
      lease.doubt()
      // It may have been taken, and the answer lost.
      queue.add({ hold, nanos: undefined })
      throw error
    }
  }

  /** Whether settlements of an account were still to be written: then they are. */
  async #givesBack({ account, period }: SpendingCap): Promise<boolean> {
    const { queue } = this.#parts
    const isOf = (credit: SpendingCap): boolean => credit.account === account && credit.period === period
    const waits = queue.some((entry) => 'hold' in entry && entry.hold.caps.some(isOf))
    if (waits) await queue.flush()
    return waits
  }
}

/** As the tables can keep it. */
function keptOf({ id, caps, nanos }: Reservation): Reservation {
  const kept = caps.map((credit) => ({
    account: keyOf(credit.account),
    period: keyOf(credit.period),
    nanos: wholeOf(credit.nanos),
  }))
  return { id: keyOf(id), caps: kept, nanos: wholeOf(nanos) }
}

/** What is too long for an index, or no text to a database, is told apart by its hash: then it is longer than all others. */
function keyOf(text: string): string {
  const plain = text.replaceAll('\0', '\ufffd')
  if (plain === text && text.length < LONGEST_KEY) return text
  return (
    plain.slice(0, LONGEST_KEY - HASH_LENGTH).padEnd(LONGEST_KEY - HASH_LENGTH) +
    hash('sha256', text).slice(0, HASH_LENGTH)
  )
}
