import { expect, it } from 'vitest'
import type { LedgerStore } from '../../src/stores/ledger.js'
import { seeded } from '../random.js'
import { balanceOf, makeCap, makeReservation } from './ledger-values.js'

type Start = () => Promise<LedgerStore>

/** Many calls at once. */
export function testRaces(start: Start): void {
  it.each([100, 1000])('passes exactly as many of %i concurrent calls as there is money for', async (calls) => {
    const ledger = await start()
    const caps = [makeCap(37 * 1000), makeCap(90 * 1000)]
    const reservations = Array.from({ length: calls }, () => makeReservation(1000, caps))
    const refusals = await Promise.all(reservations.map((reservation) => ledger.reserve(reservation)))
    expect(refusals.filter((cap) => cap === undefined)).toHaveLength(37)
    expect(new Set(refusals)).toEqual(new Set([undefined, caps[0]]))
    for (const cap of caps) {
      expect(await ledger.balance(cap.account, cap.period)).toEqual({ spent: 0, held: 37_000 })
    }
  })

  it('reserves once when the same reservation is made many times at once', async () => {
    const ledger = await start()
    const reservation = makeReservation(400, [makeCap(1000)])
    await Promise.all(Array.from({ length: 50 }, () => ledger.reserve(reservation)))
    expect(await balanceOf(ledger, reservation)).toEqual({ spent: 0, held: 400 })
    await Promise.all(Array.from({ length: 50 }, () => ledger.settle(reservation, 10)))
    expect(await balanceOf(ledger, reservation)).toEqual({ spent: 10, held: 0 })
  })

  it('never spends more than the cap, under 500 concurrent calls', async () => {
    const ledger = await start()
    const random = seeded(1)
    const cap = makeCap(1_000_000_000)
    let spent = 0
    const call = async (): Promise<boolean> => {
      const reservation = makeReservation(5_000_000, [cap])
      if (await ledger.reserve(reservation)) return false
      await pause(random() * 20)
      const cost = Math.floor(random() * 5_000_001)
      spent += cost
      await ledger.settle(reservation, cost)
      return true
    }
    let passed = true
    while (passed) passed = (await Promise.all(Array.from({ length: 500 }, call))).includes(true)
    expect(spent).toBeLessThanOrEqual(cap.limitNanos)
    expect(spent).toBeGreaterThan(cap.limitNanos - 5_000_000)
    expect(await ledger.balance(cap.account, cap.period)).toEqual({ spent, held: 0 })
  })

  it('takes caps in any order, many at once, without a deadlock', async () => {
    const ledger = await start()
    const caps = Array.from({ length: 4 }, () => makeCap(1_000_000))
    const random = seeded(2)
    const calls = Array.from({ length: 300 }, async () => {
      const reservation = makeReservation(10, [...caps].sort(() => random() - 0.5).slice(0, 3))
      await ledger.reserve(reservation)
      await ledger.settle(reservation, 7)
      return reservation
    })
    const reservations = await Promise.all(calls)
    for (const cap of caps) {
      const uses = reservations.filter((reservation) => reservation.caps.includes(cap)).length
      expect(await ledger.balance(cap.account, cap.period)).toEqual({ spent: 7 * uses, held: 0 })
    }
  })
}

/** Calls that end in every possible way. */
export function testFailures(start: Start): void {
  it('charges exactly what the calls cost, however they end', async () => {
    const ledger = await start()
    const random = seeded(3)
    const caps = [makeCap(1e12), makeCap(1e12)]
    let spent = 0
    const call = async (): Promise<void> => {
      const reservation = makeReservation(1 + Math.floor(random() * 1e6), caps)
      if (random() < 0.9) await ledger.reserve(reservation)
      if (random() < 0.5) await pause(random() * 10)
      const cost = random() < 0.3 ? 0 : Math.floor(random() * 2e6)
      spent += cost
      await ledger.settle(reservation, cost)
      if (random() < 0.2) await ledger.settle(reservation, cost + 1)
    }
    await Promise.all(Array.from({ length: 400 }, call))
    for (const cap of caps) {
      expect(await ledger.balance(cap.account, cap.period)).toEqual({ spent, held: 0 })
    }
  })
}

/** Several processes at one ledger. */
export function testSharing(start: Start): void {
  it('shares a budget between processes, to the last call', async () => {
    const ledgers = await Promise.all([start(), start(), start()])
    const cap = makeCap(50)
    const calls = Array.from({ length: 300 }, (_, index) =>
      (ledgers[index % 3] as LedgerStore).reserve(makeReservation(1, [cap])),
    )
    const refusals = await Promise.all(calls)
    expect(refusals.filter((refused) => refused === undefined)).toHaveLength(50)
  })

  it('finds a reservation of another process by its id', async () => {
    const [one, other] = [await start(), await start()]
    const reservation = makeReservation(400, [makeCap(1000)])
    await one.reserve(reservation)
    expect(await other.reserve(reservation)).toBeUndefined()
    await other.settle(reservation, 90)
    expect(await balanceOf(other, reservation)).toEqual({ spent: 90, held: 0 })
    await one.settle(reservation, 90)
    expect(await balanceOf(one, reservation)).toEqual({ spent: 90, held: 0 })
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
