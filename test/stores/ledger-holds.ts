import { randomText } from '../../src/lib/ids.js'
import type { Balance, Credit, Hold, LedgerStore } from '../../src/stores/ledger.js'

/** Credit of an account that nobody else has. */
export function makeCredit(nanos: number, period = 'total'): Credit {
  return { account: `key:${randomText(12)}`, period, nanos }
}

/** A hold with an id that nobody else has. */
export function makeHold(nanos: number, credits: readonly Credit[]): Hold {
  return { id: randomText(16), credits, nanos }
}

/** How the first account of a hold stands. */
export async function stand(ledger: LedgerStore, hold: Hold): Promise<Balance> {
  const [credit] = hold.credits
  return ledger.balance(credit?.account ?? '', credit?.period ?? '')
}
