import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { randomText } from '../../src/lib/ids.js'
import type { LimitScope, LimitStore, Limits, LimitTake, Taken } from '../../src/stores/limits.js'

/** A store to be tested, and its clock. Each test uses scopes of its own, so that one server may serve many. */
export interface OpenedLimits {
  readonly limits: LimitStore
  /** In ms. */
  now(): number
  pass(ms: number): Promise<void>
  close(): void | Promise<void>
}

type Opened = () => OpenedLimits

/** What every store of limits must do. Waits are short, since some stores have no other clock than the real one. */
export function limitsSuite(name: string, open: () => Promise<OpenedLimits>): void {
  describe(name, () => {
    let opened: OpenedLimits
    beforeEach(async () => {
      opened = await open()
    })
    afterEach(() => opened.close())
    const current: Opened = () => opened
    testRaces(current)
    testScopes(current)
    testWaits(current)
    testStandings(current)
    testReturns(current)
  })
}

function testRaces(opened: Opened): void {
  describe.each([100, 1000])('of %i calls at once', (calls) => {
    it.each<[string, Limits, number]>([
      ['requests', { rpm: 37 }, 37],
      ['tokens', { tpm: 4150 }, 41],
      ['slots', { concurrency: 23 }, 23],
      ['all three', { rpm: 37, tpm: 2150, concurrency: 23 }, 21],
    ])('lets exactly so many pass: %s', async (_, bounds, allowed) => {
      const scope = makeScope(bounds)
      expect(await passing(opened(), calls, [scope], { requests: 1, tokens: 100, slots: 1 })).toBe(allowed)
    })
  })

  it('has slots free again as soon as they are given back', async () => {
    const { limits } = opened()
    const scope = makeScope({ concurrency: 5 })
    let [running, most, passed] = [0, 0, 0]
    const call = async (): Promise<void> => {
      const { met } = await limits.take([scope], ONE)
      if (met) return
      passed++
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 1))
      running--
      await limits.giveBack([scope], { requests: 0, tokens: 0, slots: 1 })
    }
    for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 20 }, call))
    expect(most).toBe(5)
    expect(passed).toBe(100)
  })
}

function testScopes(opened: Opened): void {
  it.each<[string, Limits, LimitKind]>([
    ['requests', { rpm: 3 }, 'requests'],
    ['tokens', { tpm: 350 }, 'tokens'],
    ['slots', { concurrency: 3 }, 'concurrency'],
  ])('takes of all scopes or of none: %s', async (_, tight, what) => {
    const store = opened()
    const [wide, narrow] = [makeScope({ rpm: 10, tpm: 1000, concurrency: 10 }), makeScope(tight)]
    const draw = { requests: 1, tokens: 100, slots: 1 }
    expect(await passing(store, 100, [wide, narrow], draw)).toBe(3)
    const { met } = await store.limits.take([wide, narrow], draw)
    expect(met).toMatchObject({ scope: narrow, what })
    expect(await passing(store, 100, [wide], draw)).toBe(7)
  })

  it('passes what has no limits', async () => {
    const { limits } = opened()
    expect(await limits.take([makeScope({})], ONE)).toEqual(NOTHING)
    expect(await limits.take([], ONE)).toEqual(NOTHING)
    await limits.giveBack([makeScope({})], ONE)
  })

  it('names the limit that keeps the call waiting for the longest', async () => {
    const { limits } = opened()
    const [quick, slow] = [makeScope({ rpm: 600, concurrency: 1 }), makeScope({ rpm: 10 })]
    await limits.take([quick, slow], { requests: 600, tokens: 0, slots: 1 })
    expect((await limits.take([quick], ONE)).met).toMatchObject({ what: 'concurrency', retryAfterMs: 1000 })
    const { met } = await limits.take([quick, slow], ONE)
    expect(met).toMatchObject({ scope: slow, what: 'requests' })
    expect(met?.retryAfterMs).toBeGreaterThan(5000)
  })
}

function testWaits(opened: Opened): void {
  it.each<[string, Limits, LimitTake, LimitTake]>([
    ['requests', { rpm: 600 }, ofRequests(600), ofRequests(1)],
    ['requests of an odd limit', { rpm: 700 }, ofRequests(700), ofRequests(1)],
    ['tokens', { tpm: 600_000 }, ofTokens(600_000), ofTokens(1000)],
  ])('says exactly when the next passes: %s', async (_, bounds, all, next) => {
    const store = opened()
    const scope = makeScope(bounds)
    await store.limits.take([scope], all)
    await expectExactWait(store, scope, next, 100)
  })

  it('refills evenly', async () => {
    const store = opened()
    const scope = makeScope({ rpm: 6000 })
    const begun = store.now()
    let passed = await passing(store, 6001, [scope], ONE)
    for (let round = 0; round < 5; round++) {
      await store.pass(40)
      passed += await passing(store, 60, [scope], ONE)
    }
    expect(passed).toBeLessThanOrEqual(6000 + (store.now() - begun) / 10)
    expect(passed).toBeGreaterThanOrEqual(6000 + 5 * 3)
  })

  it('wants all of a bucket for a draw larger than it', async () => {
    const store = opened()
    const scope = makeScope({ tpm: 60_000 })
    const draw = ofTokens(5_000_000)
    const small = ofTokens(150)
    await store.limits.take([scope], small)
    await expectExactWait(store, scope, draw, 150)
    expect((await store.limits.take([scope], small)).met?.what).toBe('tokens')
  })
}

function testStandings(opened: Opened): void {
  it('tells of each kind where the least is left', async () => {
    const { limits } = opened()
    const [one, other] = [makeScope({ rpm: 20, tpm: 5000 }), makeScope({ rpm: 10, tpm: 9000, concurrency: 2 })]
    const draw = { requests: 2, tokens: 1000, slots: 0 }
    expectStanding(await limits.take([one, other], draw), 'requests', 10, 8, 12_000)
    expectStanding(await limits.take([one, other], draw), 'tokens', 5000, 3000, 24_000)
    expect(await limits.take([makeScope({ concurrency: 1 })], ONE)).toEqual(NOTHING)
  })

  it('tells of a refused call how the limit stands that it has met', async () => {
    const { limits } = opened()
    const [one, other] = [makeScope({ rpm: 10 }), makeScope({ rpm: 5 })]
    await limits.take([one, other], ofRequests(4))
    const taken = await limits.take([one, other], ofRequests(5))
    expect(taken.met?.scope).toEqual(other)
    expectStanding(taken, 'requests', 5, 1, 48_000)
  })
}

function testReturns(opened: Opened): void {
  it('gives back what was not used', async () => {
    const { limits } = opened()
    const scope = makeScope({ rpm: 10, tpm: 1000, concurrency: 1 })
    const draw = { requests: 1, tokens: 900, slots: 1 }
    await limits.take([scope], draw)
    expect((await limits.take([scope], draw)).met?.what).toBe('tokens')
    await limits.giveBack([scope], { requests: 1, tokens: 800, slots: 1 })
    const taken = await limits.take([scope], draw)
    expectStanding(taken, 'requests', 10, 9, 6000)
    expectStanding(taken, 'tokens', 1000, 0, 60_000)
  })

  it('never gives more than there was', async () => {
    const store = opened()
    const scope = makeScope({ rpm: 10, concurrency: 2 })
    await store.limits.take([scope], ONE)
    for (let turn = 0; turn < 3; turn++) await store.limits.giveBack([scope], { requests: 5, tokens: 0, slots: 1 })
    expect(await passing(store, 20, [scope], ONE)).toBe(2)
  })

  it('has a debt paid off before anything passes, even what costs nothing', async () => {
    const store = opened()
    const scope = makeScope({ tpm: 60_000 })
    await store.limits.take([scope], ofTokens(59_000))
    await store.limits.giveBack([scope], ofTokens(-1200))
    await expectExactWait(store, scope, ofTokens(0), 200)
    await store.limits.giveBack([scope], ofTokens(-30_000))
    const { met, tokens } = await store.limits.take([scope], ONE)
    expect(met?.retryAfterMs).toBeGreaterThan(29_000)
    expect(tokens?.remaining).toBe(0)
    expect(tokens?.resetMs).toBeGreaterThan(89_000)
  })
}

type LimitKind = 'requests' | 'tokens' | 'concurrency'

const ONE: LimitTake = { requests: 1, tokens: 0, slots: 1 }
const NOTHING: Taken = { met: undefined, requests: undefined, tokens: undefined }

function ofRequests(requests: number): LimitTake {
  return { requests, tokens: 0, slots: 0 }
}

function ofTokens(tokens: number): LimitTake {
  return { requests: 0, tokens, slots: 0 }
}

/** A scope that nobody else has. */
export function makeScope(limits: Limits): LimitScope {
  return { name: `key:${randomText(12)}`, ...limits }
}

/** How many of so many calls at once pass. */
export async function passing(
  { limits }: Pick<OpenedLimits, 'limits'>,
  calls: number,
  scopes: readonly LimitScope[],
  draw: LimitTake,
): Promise<number> {
  const takes = await Promise.all(Array.from({ length: calls }, () => limits.take(scopes, draw)))
  return takes.filter(({ met }) => !met).length
}

/** Asks again and again: nothing passes before the time that was first told, and what is asked then does. */
async function expectExactWait(store: OpenedLimits, scope: LimitScope, draw: LimitTake, most: number): Promise<void> {
  const asked = store.now()
  const { met } = await store.limits.take([scope], draw)
  const told = store.now()
  const wait = met?.retryAfterMs ?? Number.NaN
  expect(wait).toBeGreaterThan(0)
  expect(wait).toBeLessThanOrEqual(most + 1e-3)
  for (;;) {
    const again = store.now()
    const isRefused = (await store.limits.take([scope], draw)).met !== undefined
    if (!isRefused) break
    expect(again - told).toBeLessThan(wait)
    await store.pass(Math.min(5, Math.max(0.01, told + wait - store.now())))
  }
  expect(store.now() - asked).toBeGreaterThan(wait - 0.1)
}

/** A real clock has gone on a little since. */
function expectStanding(taken: Taken, kind: 'requests' | 'tokens', limit: number, left: number, resetMs: number): void {
  const standing = taken[kind]
  expect(standing).toMatchObject({ limit, remaining: left })
  expect(standing?.resetMs).toBeLessThanOrEqual(resetMs + 1e-3)
  expect(standing?.resetMs).toBeGreaterThan(resetMs - 500)
}
