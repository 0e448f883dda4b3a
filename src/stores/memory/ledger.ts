import type { Balance, LedgerStore, Nanos, Reservation, SpendingCap } from '../ledger.js'

type AccountPeriod = Pick<SpendingCap, 'account' | 'period'>

/** The balance of one account in one period. */
interface PeriodBalance {
  readonly period: string
  spent: Nanos
  held: Nanos
}

/** How many ended reservations the ledger remembers, so that none is charged twice. */
const MAX_ENDED_RESERVATIONS = 10_000

/**
 * Keeps the accounts of one process. An account keeps the newest period of each kind, and older periods while money is
 * reserved in them. The ledger forgets no account, because that would forgive what it has spent.
 */
export class MemoryLedger implements LedgerStore {
  readonly #balances = new Map<string, PeriodBalance[]>()
  /** By id. Null for a reservation that has ended. */
  readonly #reservations = new Map<string, Reservation | null>()
  /** Ids of ended reservations, as a ring: the next one replaces the oldest. */
  readonly #endedIds: string[] = []
  #nextEndedIndex = 0

  reserve(reservation: Reservation): SpendingCap | undefined {
    if (this.#reservations.has(reservation.id)) return undefined
    for (const cap of reservation.caps) {
      const balance = this.#find(cap)
      const used = balance ? balance.spent + balance.held : 0
      if (used + reservation.amountNanos > cap.limitNanos) return cap
    }
    for (const cap of reservation.caps) this.#findOrCreate(cap).held += reservation.amountNanos
    this.#reservations.set(reservation.id, reservation)
    return undefined
  }

  settle(reservation: Reservation, costNanos: Nanos): void {
    const held = this.#reservations.get(reservation.id)
    if (held === null) return
    if (held) for (const cap of held.caps) this.#findOrCreate(cap).held -= held.amountNanos
    if (costNanos !== 0) for (const cap of reservation.caps) this.#findOrCreate(cap).spent += costNanos
    this.#markEnded(reservation.id)
  }

  balance(account: string, period: string): Balance {
    const balance = this.#find({ account, period })
    return { spent: balance?.spent ?? 0, held: balance?.held ?? 0 }
  }

  #markEnded(id: string): void {
    this.#reservations.set(id, null)
    const oldestId = this.#endedIds[this.#nextEndedIndex]
    if (oldestId !== undefined) this.#reservations.delete(oldestId)
    this.#endedIds[this.#nextEndedIndex] = id
    this.#nextEndedIndex = (this.#nextEndedIndex + 1) % MAX_ENDED_RESERVATIONS
  }

  #find({ account, period }: AccountPeriod): PeriodBalance | undefined {
    const balances = this.#balances.get(account)
    if (!balances) return undefined
    for (const balance of balances) if (balance.period === period) return balance
    return undefined
  }

  #findOrCreate(accountPeriod: AccountPeriod): PeriodBalance {
    return this.#find(accountPeriod) ?? this.#create(accountPeriod)
  }

  /** Also drops periods that are no longer needed. It keeps the previous one: a clock may go back over midnight. */
  #create({ account, period }: AccountPeriod): PeriodBalance {
    const created: PeriodBalance = { period, spent: 0, held: 0 }
    const kind = kindOf(period)
    const balances = this.#balances.get(account) ?? []
    const newest = balances.findLast((other) => kindOf(other.period) === kind)
    const kept = balances.filter(
      (other) => other === newest || other.held > 0 || other.period > period || kindOf(other.period) !== kind,
    )
    this.#balances.set(account, [...kept, created])
    return created
  }
}

/** `month` of `month:2026-11-01`. Periods of one kind follow each other in the order of their text. */
function kindOf(period: string): string {
  const colon = period.indexOf(':')
  if (colon >= 0) return period.slice(0, colon)
  return period === 'total' ? period : ''
}
