import { randomText } from '../../src/lib/ids.js'
import type { Balance, LedgerStore, Reservation, SpendingCap } from '../../src/stores/ledger.js'

/** Credit of an account that nobody else has. */
export function makeCredit(nanos: number, period = 'total'): SpendingCap {
  return { account: `key:${randomText(12)}`, period, nanos }
}

/** A hold with an id that nobody else has. */
export function makeHold(nanos: number, credits: readonly SpendingCap[]): Reservation {
  return { id: randomText(16), caps: credits, nanos }
}

/** How the first account of a hold stands. */
export async function stand(ledger: LedgerStore, hold: Reservation): Promise<Balance> {
  const [credit] = hold.caps
  return ledger.balance(credit?.account ?? '', credit?.period ?? '')
}
