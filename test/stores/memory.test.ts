import { describe, expect, it } from 'vitest'
import type { Reservation } from '../../src/stores/ledger.js'
import { MemoryLedger } from '../../src/stores/memory/ledger.js'
import { MemoryUsage } from '../../src/stores/memory/usage.js'
import { ledgerSuite } from './ledger.suite.js'
import { makeRecord, usageSuite } from './usage.suite.js'

ledgerSuite('a ledger in memory', async () => ({ ledger: new MemoryLedger(), close: () => {} }), { shared: false })
usageSuite('usage records in memory', async () => ({ usage: new MemoryUsage(), close: () => {} }))

describe('a ledger in memory, over time', () => {
  const reservationOf = (id: string, period: string, amountNanos = 10): Reservation => ({
    id,
    amountNanos,
    caps: [{ account: 'key:alice', period, limitNanos: 100 }],
  })

  it('forgets a period when two newer ones of its kind have begun and nothing is reserved', () => {
    const ledger = new MemoryLedger()
    for (const day of ['day:2026-11-22', 'day:2026-11-23', 'month:2026-11-01', 'total', '2026-11-23']) {
      ledger.reserve(reservationOf(day, day))
      if (day !== 'day:2026-11-22') ledger.settle(reservationOf(day, day), 10)
    }
    ledger.reserve(reservationOf('new', 'day:2026-11-24'))
    const spent = (period: string): number => ledger.balance('key:alice', period).spent
    // A clock that goes back over midnight finds what was spent there.
    expect(spent('day:2026-11-23')).toBe(10)
    ledger.reserve(reservationOf('newer', 'day:2026-11-25'))
    expect(spent('day:2026-11-23')).toBe(0)
    expect(['month:2026-11-01', 'total', '2026-11-23'].map(spent)).toEqual([10, 10, 10])
    expect(ledger.balance('key:alice', 'day:2026-11-22').held).toBe(10)
  })

  it('remembers the last ten thousand reservations that have ended', () => {
    const ledger = new MemoryLedger()
    const first = reservationOf('first', 'total')
    ledger.reserve(first)
    ledger.settle(first, 5)
    for (let index = 0; index < 9_999; index++) {
      ledger.reserve(reservationOf(`${index}`, 'other'))
      ledger.settle(reservationOf(`${index}`, 'other'), 0)
    }
    ledger.settle(first, 5)
    expect(ledger.balance('key:alice', 'total').spent).toBe(5)
  })
})

describe('usage records in memory, over time', () => {
  it('keeps the newest', async () => {
    const usage = new MemoryUsage(3)
    for (let index = 0; index < 8; index++) usage.write(makeRecord({ requestId: `${index}` }))
    expect((await usage.query()).map(({ requestId }) => requestId)).toEqual(['7', '6', '5'])
    expect((await usage.sums('day')).map(({ calls }) => calls)).toEqual([3])
  })
})
