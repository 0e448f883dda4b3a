import { afterEach, describe, expect, it } from 'vitest'
import { randomText } from '../../src/lib/ids.js'
import type { LedgerStore, SpendingCap } from '../../src/stores/ledger.js'
import { makeCredit, makeHold, stand } from './ledger-holds.js'
import { testFailures, testRaces, testSharing } from './ledger-races.js'

export { makeCredit, makeHold }

/** A ledger to be tested; each suite uses accounts of its own, so that one server may serve many. */
export interface OpenedLedger {
  readonly ledger: LedgerStore
  close(): void | Promise<void>
}

/** What differs between implementations. */
export interface LedgerTraits {
  /** Two that are opened see the same accounts. */
  readonly shared: boolean
}

/** What every ledger must do. `open` is called for each test, and twice where two processes are played. */
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
    testHolds(start)
    testCredits(start)
    testRaces(start)
    testFailures(start)
    if (shared) testSharing(start)
  })
}

type Start = () => Promise<LedgerStore>

function testHolds(start: Start): void {
  it('holds, and charges what the call has cost', async () => {
    const ledger = await start()
    const hold = makeHold(400, [makeCredit(1000)])
    expect(await ledger.reserve(hold)).toBeUndefined()
    expect(await stand(ledger, hold)).toEqual({ spent: 0, held: 400 })
    await ledger.settle(hold, 123)
    expect(await stand(ledger, hold)).toEqual({ spent: 123, held: 0 })
  })

  it('releases: settled with nothing, nothing is charged', async () => {
    const ledger = await start()
    const hold = makeHold(1000, [makeCredit(1000)])
    await ledger.reserve(hold)
    await ledger.settle(hold, 0)
    expect(await stand(ledger, hold)).toEqual({ spent: 0, held: 0 })
    expect(await ledger.reserve(makeHold(1000, hold.caps))).toBeUndefined()
  })

  it('does each step once, however often it is told', async () => {
    const ledger = await start()
    const hold = makeHold(400, [makeCredit(1000)])
    for (let turn = 0; turn < 3; turn++) expect(await ledger.reserve(hold)).toBeUndefined()
    expect(await stand(ledger, hold)).toEqual({ spent: 0, held: 400 })
    for (const nanos of [300, 300, 0]) await ledger.settle(hold, nanos)
    expect(await stand(ledger, hold)).toEqual({ spent: 300, held: 0 })
    await ledger.settle(hold, 300)
    expect(await ledger.reserve(hold)).toBeUndefined()
    expect(await stand(ledger, hold)).toEqual({ spent: 300, held: 0 })
  })

  it('stays released, whatever is told later', async () => {
    const ledger = await start()
    const hold = makeHold(400, [makeCredit(1000)])
    await ledger.reserve(hold)
    await ledger.settle(hold, 0)
    await ledger.settle(hold, 250)
    expect(await stand(ledger, hold)).toEqual({ spent: 0, held: 0 })
  })

  it('charges a call that it has no hold of, once', async () => {
    const ledger = await start()
    const hold = makeHold(400, [makeCredit(1000)])
    await ledger.settle(hold, 70)
    await ledger.settle(hold, 70)
    expect(await stand(ledger, hold)).toEqual({ spent: 70, held: 0 })
  })

  it('charges more than was held, and more than there is', async () => {
    const ledger = await start()
    const hold = makeHold(400, [makeCredit(1000)])
    await ledger.reserve(hold)
    await ledger.settle(hold, 5000)
    expect(await stand(ledger, hold)).toEqual({ spent: 5000, held: 0 })
    expect(await ledger.reserve(makeHold(1, hold.caps))).toEqual(hold.caps[0])
  })

  it('counts to nine million dollars, to the nano-dollar', async () => {
    const ledger = await start()
    const hold = makeHold(Number.MAX_SAFE_INTEGER - 1, [makeCredit(Number.MAX_SAFE_INTEGER)])
    expect(await ledger.reserve(hold)).toBeUndefined()
    expect(await stand(ledger, hold)).toEqual({ spent: 0, held: Number.MAX_SAFE_INTEGER - 1 })
    await ledger.settle(hold, Number.MAX_SAFE_INTEGER - 2)
    expect(await stand(ledger, hold)).toEqual({ spent: Number.MAX_SAFE_INTEGER - 2, held: 0 })
  })
}

function testCredits(start: Start): void {
  it('passes to the last nano-dollar, and not beyond', async () => {
    const ledger = await start()
    const credits = [makeCredit(1000)]
    expect(await ledger.reserve(makeHold(999, credits))).toBeUndefined()
    expect(await ledger.reserve(makeHold(2, credits))).toEqual(credits[0])
    expect(await ledger.reserve(makeHold(1, credits))).toBeUndefined()
    expect(await ledger.reserve(makeHold(0, credits))).toBeUndefined()
  })

  it('takes of all credits or of none, and names the first that does not suffice', async () => {
    const ledger = await start()
    const [wide, tight, none] = [makeCredit(1000), makeCredit(100), makeCredit(0)]
    expect(await ledger.reserve(makeHold(500, [wide, tight, none]))).toEqual(tight)
    expect(await ledger.reserve(makeHold(500, [wide, none, tight]))).toEqual(none)
    expect(await ledger.balance(wide.account, wide.period)).toEqual({ spent: 0, held: 0 })
    const hold = makeHold(60, [wide, tight])
    expect(await ledger.reserve(hold)).toBeUndefined()
    await ledger.settle(hold, 50)
    for (const credit of [wide, tight]) {
      expect(await ledger.balance(credit.account, credit.period)).toEqual({ spent: 50, held: 0 })
    }
  })

  it('counts periods of one account apart', async () => {
    const ledger = await start()
    const account = `key:${randomText(8)}`
    const credit = (period: string, nanos: number): SpendingCap => ({ account, period, nanos })
    const monday = makeHold(80, [credit('day:2026-11-23', 100), credit('month:2026-11-01', 150), credit('total', 500)])
    const tuesday = makeHold(80, [credit('day:2026-11-24', 100), credit('month:2026-11-01', 150), credit('total', 500)])
    expect(await ledger.reserve(monday)).toBeUndefined()
    expect(await ledger.reserve(tuesday)).toEqual(tuesday.caps[1])
    await ledger.settle(monday, 70)
    expect(await ledger.reserve(tuesday)).toBeUndefined()
    await ledger.settle(tuesday, 80)
    expect(await ledger.balance(account, 'day:2026-11-24')).toEqual({ spent: 80, held: 0 })
    expect(await ledger.balance(account, 'month:2026-11-01')).toEqual({ spent: 150, held: 0 })
    expect(await ledger.balance(account, 'total')).toEqual({ spent: 150, held: 0 })
  })

  it('charges a call to the period in which it began, though another has begun since', async () => {
    const ledger = await start()
    const account = `key:${randomText(8)}`
    const [before, after] = ['day:2026-11-23', 'day:2026-11-24'].map((period) => ({ account, period, nanos: 100 }))
    const hold = makeHold(60, [before as SpendingCap])
    await ledger.reserve(hold)
    await ledger.reserve(makeHold(60, [after as SpendingCap]))
    await ledger.settle(hold, 40)
    expect(await stand(ledger, hold)).toEqual({ spent: 40, held: 0 })
  })

  it('knows nothing of an account that nobody has used', async () => {
    const ledger = await start()
    expect(await ledger.balance(`key:${randomText(8)}`, 'total')).toEqual({ spent: 0, held: 0 })
  })
}
