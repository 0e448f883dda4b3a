import { randomText } from '../../src/lib/ids.js'
import type { Balance, LedgerStore, Reservation, SpendingCap } from '../../src/stores/ledger.js'

/** A cap of an account that no other test uses. */
export function makeCap(limitNanos: number, period = 'total'): SpendingCap {
  return { account: `key:${randomText(12)}`, period, limitNanos }
}

/** A reservation with an id that no other test uses. */
export function makeReservation(amountNanos: number, caps: readonly SpendingCap[]): Reservation {
  return { id: randomText(16), caps, amountNanos }
}

/** The balance of the first account of a reservation. */
export async function balanceOf(ledger: LedgerStore, reservation: Reservation): Promise<Balance> {
  const [cap] = reservation.caps
  return ledger.balance(cap?.account ?? '', cap?.period ?? '')
}
