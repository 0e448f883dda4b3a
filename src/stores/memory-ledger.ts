import type { Balance, LedgerStore, Nanos, Reservation, SpendingCap } from './ledger.js'

/** What an account has done in one period. */
interface Purse {
  readonly period: string
  spent: Nanos
  held: Nanos
}

/** So many calls after its end, a hold's id is still known. */
const REMEMBERED = 10_000

/**
 * Accounts of one process, for as long as it lives. An account keeps the newest period of each kind, and older ones
 * while money is held in them. No account is ever forgotten: what it has spent would be forgiven.
 */
export class MemoryLedger implements LedgerStore {
  readonly #purses = new Map<string, Purse[]>()
  /** By id; null once it has ended. */
  readonly #holds = new Map<string, Reservation | null>()
  /** Ids of those that have ended: a ring, the next takes the place of the oldest. */
  readonly #ended: string[] = []
  #next = 0

  reserve(hold: Reservation): SpendingCap | undefined {
    if (this.#holds.has(hold.id)) return undefined
    for (const credit of hold.caps) {
      const purse = this.#find(credit)
      const used = purse ? purse.spent + purse.held : 0
      if (used + hold.nanos > credit.nanos) return credit
    }
    for (const credit of hold.caps) this.#take(credit).held += hold.nanos
    this.#holds.set(hold.id, hold)
    return undefined
  }

  settle(hold: Reservation, nanos: Nanos): void {
    const held = this.#holds.get(hold.id)
    if (held === null) return
    if (held) for (const credit of held.caps) this.#take(credit).held -= held.nanos
    if (nanos !== 0) for (const credit of hold.caps) this.#take(credit).spent += nanos
    this.#end(hold.id)
  }

  balance(account: string, period: string): Balance {
    const purse = this.#find({ account, period })
    return { spent: purse?.spent ?? 0, held: purse?.held ?? 0 }
  }

  #end(id: string): void {
    this.#holds.set(id, null)
    const oldest = this.#ended[this.#next]
    if (oldest !== undefined) this.#holds.delete(oldest)
    this.#ended[this.#next] = id
    this.#next = (this.#next + 1) % REMEMBERED
  }

  #find({ account, period }: Pick<SpendingCap, 'account' | 'period'>): Purse | undefined {
    const purses = this.#purses.get(account)
    if (!purses) return undefined
    for (const purse of purses) if (purse.period === period) return purse
    return undefined
  }

  #take(credit: Pick<SpendingCap, 'account' | 'period'>): Purse {
    return this.#find(credit) ?? this.#begin(credit)
  }

  /** Those that two periods follow are let go: a clock may go back over midnight. */
  #begin({ account, period }: Pick<SpendingCap, 'account' | 'period'>): Purse {
    const purse: Purse = { period, spent: 0, held: 0 }
    const kind = kindOf(period)
    const purses = this.#purses.get(account) ?? []
    const newest = purses.findLast((other) => kindOf(other.period) === kind)
    const kept = purses.filter(
      (other) => other === newest || other.held > 0 || other.period > period || kindOf(other.period) !== kind,
    )
    this.#purses.set(account, [...kept, purse])
    return purse
  }
}

/** Periods of one kind follow each other, in the order of their text. */
function kindOf(period: string): string {
  const colon = period.indexOf(':')
  if (colon >= 0) return period.slice(0, colon)
  return period === 'total' ? period : ''
}
