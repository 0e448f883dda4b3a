import { expect, it } from 'vitest'
import type { LedgerStore } from '../../src/stores/ledger.js'
import { seeded } from '../random.js'
import { makeCredit, makeHold, stand } from './ledger-holds.js'

type Start = () => Promise<LedgerStore>

/** Many calls at once. */
export function testRaces(start: Start): void {
  it.each([100, 1000])('lets exactly as many of %i pass at once as there is money for', async (calls) => {
    const ledger = await start()
    const credits = [makeCredit(37 * 1000), makeCredit(90 * 1000)]
    const holds = Array.from({ length: calls }, () => makeHold(1000, credits))
    const refusals = await Promise.all(holds.map((hold) => ledger.reserve(hold)))
    expect(refusals.filter((credit) => credit === undefined)).toHaveLength(37)
    expect(new Set(refusals)).toEqual(new Set([undefined, credits[0]]))
    for (const credit of credits) {
      expect(await ledger.balance(credit.account, credit.period)).toEqual({ spent: 0, held: 37_000 })
    }
  })

  it('holds once when one hold is taken many times at once', async () => {
    const ledger = await start()
    const hold = makeHold(400, [makeCredit(1000)])
    await Promise.all(Array.from({ length: 50 }, () => ledger.reserve(hold)))
    expect(await stand(ledger, hold)).toEqual({ spent: 0, held: 400 })
    await Promise.all(Array.from({ length: 50 }, () => ledger.settle(hold, 10)))
    expect(await stand(ledger, hold)).toEqual({ spent: 10, held: 0 })
  })

  it('never spends more than a dollar of a dollar, under 500 calls at once', async () => {
    const ledger = await start()
    const random = seeded(1)
    const credit = makeCredit(1_000_000_000)
    let spent = 0
    const call = async (): Promise<boolean> => {
      const hold = makeHold(5_000_000, [credit])
      if (await ledger.reserve(hold)) return false
      await pause(random() * 20)
      const cost = Math.floor(random() * 5_000_001)
      spent += cost
      await ledger.settle(hold, cost)
      return true
    }
    let passed = true
    while (passed) passed = (await Promise.all(Array.from({ length: 500 }, call))).includes(true)
    expect(spent).toBeLessThanOrEqual(credit.nanos)
    expect(spent).toBeGreaterThan(credit.nanos - 5_000_000)
    expect(await ledger.balance(credit.account, credit.period)).toEqual({ spent, held: 0 })
  })

  it('has credits in any order, many at once, without a deadlock', async () => {
    const ledger = await start()
    const credits = Array.from({ length: 4 }, () => makeCredit(1_000_000))
    const random = seeded(2)
    const calls = Array.from({ length: 300 }, async () => {
      const hold = makeHold(10, [...credits].sort(() => random() - 0.5).slice(0, 3))
      await ledger.reserve(hold)
      await ledger.settle(hold, 7)
      return hold
    })
    const holds = await Promise.all(calls)
    for (const credit of credits) {
      const uses = holds.filter((hold) => hold.caps.includes(credit)).length
      expect(await ledger.balance(credit.account, credit.period)).toEqual({ spent: 7 * uses, held: 0 })
    }
  })
}

/** Calls of every fate. */
export function testFailures(start: Start): void {
  it('has charged exactly what the calls have cost, whatever became of them', async () => {
    const ledger = await start()
    const random = seeded(3)
    const credits = [makeCredit(1e12), makeCredit(1e12)]
    let spent = 0
    const call = async (): Promise<void> => {
      const hold = makeHold(1 + Math.floor(random() * 1e6), credits)
      if (random() < 0.9) await ledger.reserve(hold)
      if (random() < 0.5) await pause(random() * 10)
      const cost = random() < 0.3 ? 0 : Math.floor(random() * 2e6)
      spent += cost
      await ledger.settle(hold, cost)
      if (random() < 0.2) await ledger.settle(hold, cost + 1)
    }
    await Promise.all(Array.from({ length: 400 }, call))
    for (const credit of credits) {
      expect(await ledger.balance(credit.account, credit.period)).toEqual({ spent, held: 0 })
    }
  })
}

/** Several processes at one ledger. */
export function testSharing(start: Start): void {
  it('shares a budget between processes, to the last call', async () => {
    const ledgers = await Promise.all([start(), start(), start()])
    const credit = makeCredit(50)
    const calls = Array.from({ length: 300 }, (_, index) =>
      (ledgers[index % 3] as LedgerStore).reserve(makeHold(1, [credit])),
    )
    const refusals = await Promise.all(calls)
    expect(refusals.filter((refused) => refused === undefined)).toHaveLength(50)
  })

  it('knows a hold of another process by its id', async () => {
    const [one, other] = [await start(), await start()]
    const hold = makeHold(400, [makeCredit(1000)])
    await one.reserve(hold)
    expect(await other.reserve(hold)).toBeUndefined()
    await other.settle(hold, 90)
    expect(await stand(other, hold)).toEqual({ spent: 90, held: 0 })
    await one.settle(hold, 90)
    expect(await stand(one, hold)).toEqual({ spent: 90, held: 0 })
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
