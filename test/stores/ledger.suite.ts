import { afterEach, describe, expect, it } from 'vitest'
import { randomText } from '../../src/lib/ids.js'
import type { LedgerStore, SpendingCap } from '../../src/stores/ledger.js'
import { testFailures, testRaces, testSharing } from './ledger-races.js'
import { balanceOf, makeCap, makeReservation } from './ledger-values.js'

export { makeCap, makeReservation }

/** A ledger to test. Each test uses its own accounts, so that all tests may use one server. */
export interface OpenedLedger {
  readonly ledger: LedgerStore
  close(): void | Promise<void>
}

/** What differs between implementations. */
export interface LedgerTraits {
  /** Two ledgers that are open see the same accounts. */
  readonly shared: boolean
}

/** What every ledger must do. `open` runs once for each test, or several times to play several processes. */
export function ledgerSuite(name: string, open: () => Promise<OpenedLedger>, { shared }: LedgerTraits): void {
  describe(name, () => {
    const opened: OpenedLedger[] = []
    const start = async (): Promise<LedgerStore> => {
      const one = await open()
      opened.push(one)
      return one.ledger
    }
    afterEach(async () => {
      for (const { close } of opened.splice(0)) await close()
    })
    testReservations(start)
    testCaps(start)
    testRaces(start)
    testFailures(start)
    if (shared) testSharing(start)
  })
}

type Start = () => Promise<LedgerStore>

function testReservations(start: Start): void {
  it('reserves, then charges what the call cost', async () => {
    const ledger = await start()
    const reservation = makeReservation(400, [makeCap(1000)])
    expect(await ledger.reserve(reservation)).toBeUndefined()
    expect(await balanceOf(ledger, reservation)).toEqual({ spent: 0, held: 400 })
    await ledger.settle(reservation, 123)
    expect(await balanceOf(ledger, reservation)).toEqual({ spent: 123, held: 0 })
  })

  it('releases a reservation that is settled with 0, and charges nothing', async () => {
    const ledger = await start()
    const reservation = makeReservation(1000, [makeCap(1000)])
    await ledger.reserve(reservation)
    await ledger.settle(reservation, 0)
    expect(await balanceOf(ledger, reservation)).toEqual({ spent: 0, held: 0 })
    expect(await ledger.reserve(makeReservation(1000, reservation.caps))).toBeUndefined()
  })

  it('does each step once, however often it is repeated', async () => {
    const ledger = await start()
    const reservation = makeReservation(400, [makeCap(1000)])
    for (let turn = 0; turn < 3; turn++) expect(await ledger.reserve(reservation)).toBeUndefined()
    expect(await balanceOf(ledger, reservation)).toEqual({ spent: 0, held: 400 })
    for (const costNanos of [300, 300, 0]) await ledger.settle(reservation, costNanos)
    expect(await balanceOf(ledger, reservation)).toEqual({ spent: 300, held: 0 })
    await ledger.settle(reservation, 300)
    expect(await ledger.reserve(reservation)).toBeUndefined()
    expect(await balanceOf(ledger, reservation)).toEqual({ spent: 300, held: 0 })
  })

  it('keeps a reservation released, whatever is settled later', async () => {
    const ledger = await start()
    const reservation = makeReservation(400, [makeCap(1000)])
    await ledger.reserve(reservation)
    await ledger.settle(reservation, 0)
    await ledger.settle(reservation, 250)
    expect(await balanceOf(ledger, reservation)).toEqual({ spent: 0, held: 0 })
  })

  it('charges a call without a reservation, once', async () => {
    const ledger = await start()
    const reservation = makeReservation(400, [makeCap(1000)])
    await ledger.settle(reservation, 70)
    await ledger.settle(reservation, 70)
    expect(await balanceOf(ledger, reservation)).toEqual({ spent: 70, held: 0 })
  })

  it('charges more than was reserved, and more than the cap', async () => {
    const ledger = await start()
    const reservation = makeReservation(400, [makeCap(1000)])
    await ledger.reserve(reservation)
    await ledger.settle(reservation, 5000)
    expect(await balanceOf(ledger, reservation)).toEqual({ spent: 5000, held: 0 })
    expect(await ledger.reserve(makeReservation(1, reservation.caps))).toEqual(reservation.caps[0])
  })

  it('counts up to nine million dollars, to the nano-dollar', async () => {
    const ledger = await start()
    const reservation = makeReservation(Number.MAX_SAFE_INTEGER - 1, [makeCap(Number.MAX_SAFE_INTEGER)])
    expect(await ledger.reserve(reservation)).toBeUndefined()
    expect(await balanceOf(ledger, reservation)).toEqual({ spent: 0, held: Number.MAX_SAFE_INTEGER - 1 })
    await ledger.settle(reservation, Number.MAX_SAFE_INTEGER - 2)
    expect(await balanceOf(ledger, reservation)).toEqual({ spent: Number.MAX_SAFE_INTEGER - 2, held: 0 })
  })
}

function testCaps(start: Start): void {
  it('reserves up to the last nano-dollar, and not beyond', async () => {
    const ledger = await start()
    const caps = [makeCap(1000)]
    expect(await ledger.reserve(makeReservation(999, caps))).toBeUndefined()
    expect(await ledger.reserve(makeReservation(2, caps))).toEqual(caps[0])
    expect(await ledger.reserve(makeReservation(1, caps))).toBeUndefined()
    expect(await ledger.reserve(makeReservation(0, caps))).toBeUndefined()
  })

  it('reserves from all caps or from none, and returns the first that does not cover the amount', async () => {
    const ledger = await start()
    const [wide, tight, none] = [makeCap(1000), makeCap(100), makeCap(0)]
    expect(await ledger.reserve(makeReservation(500, [wide, tight, none]))).toEqual(tight)
    expect(await ledger.reserve(makeReservation(500, [wide, none, tight]))).toEqual(none)
    expect(await ledger.balance(wide.account, wide.period)).toEqual({ spent: 0, held: 0 })
    const reservation = makeReservation(60, [wide, tight])
    expect(await ledger.reserve(reservation)).toBeUndefined()
    await ledger.settle(reservation, 50)
    for (const cap of [wide, tight]) {
      expect(await ledger.balance(cap.account, cap.period)).toEqual({ spent: 50, held: 0 })
    }
  })

  it('counts the periods of an account separately', async () => {
    const ledger = await start()
    const account = `key:${randomText(8)}`
    const cap = (period: string, limitNanos: number): SpendingCap => ({ account, period, limitNanos })
    const monday = makeReservation(80, [cap('day:2026-11-23', 100), cap('month:2026-11-01', 150), cap('total', 500)])
    const tuesday = makeReservation(80, [cap('day:2026-11-24', 100), cap('month:2026-11-01', 150), cap('total', 500)])
    expect(await ledger.reserve(monday)).toBeUndefined()
    expect(await ledger.reserve(tuesday)).toEqual(tuesday.caps[1])
    await ledger.settle(monday, 70)
    expect(await ledger.reserve(tuesday)).toBeUndefined()
    await ledger.settle(tuesday, 80)
    expect(await ledger.balance(account, 'day:2026-11-24')).toEqual({ spent: 80, held: 0 })
    expect(await ledger.balance(account, 'month:2026-11-01')).toEqual({ spent: 150, held: 0 })
    expect(await ledger.balance(account, 'total')).toEqual({ spent: 150, held: 0 })
  })

  it('charges a call to the period in which it began, even if another has begun since', async () => {
    const ledger = await start()
    const account = `key:${randomText(8)}`
    const [before, after] = ['day:2026-11-23', 'day:2026-11-24'].map((period) => ({ account, period, limitNanos: 100 }))
    const reservation = makeReservation(60, [before as SpendingCap])
    await ledger.reserve(reservation)
    await ledger.reserve(makeReservation(60, [after as SpendingCap]))
    await ledger.settle(reservation, 40)
    expect(await balanceOf(ledger, reservation)).toEqual({ spent: 40, held: 0 })
  })

  it('has an empty balance for an account that nobody has used', async () => {
    const ledger = await start()
    expect(await ledger.balance(`key:${randomText(8)}`, 'total')).toEqual({ spent: 0, held: 0 })
  })
}
