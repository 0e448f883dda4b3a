import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { randomText } from '../../src/lib/ids.js'
import type { LimitScope, LimitStore, Limits, LimitTake, TakeResult } from '../../src/stores/limits.js'

/** A store to test, and its clock. Each test uses its own scopes, so that all tests may use one server. */
export interface OpenedLimits {
  readonly limits: LimitStore
  /** In ms. */
  now(): number
  /** Lets time pass. */
  pass(ms: number): Promise<void>
  close(): void | Promise<void>
}

type Opened = () => OpenedLimits

/** What every store of limits must do. Waits are short, because some stores use the real clock. */
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
    testStates(current)
    testReturns(current)
  })
}

function testRaces(opened: Opened): void {
  describe.each([100, 1000])('%i concurrent calls', (calls) => {
    it.each<[string, Limits, number]>([
      ['requests', { rpm: 37 }, 37],
      ['tokens', { tpm: 4150 }, 41],
      ['slots', { concurrency: 23 }, 23],
      ['all three', { rpm: 37, tpm: 2150, concurrency: 23 }, 21],
    ])('pass up to the limit exactly: %s', async (_, scopeLimits, allowed) => {
      const scope = makeScope(scopeLimits)
      expect(await passing(opened(), calls, [scope], { requests: 1, tokens: 100, slots: 1 })).toBe(allowed)
    })
  })

  it('frees a slot as soon as it is given back', async () => {
    const { limits } = opened()
    const scope = makeScope({ concurrency: 5 })
    let [running, maxRunning, passed] = [0, 0, 0]
    const call = async (): Promise<void> => {
      const { exceeded } = await limits.take([scope], ONE)
      if (exceeded) return
      passed++
      maxRunning = Math.max(maxRunning, ++running)
      await new Promise((resolve) => setTimeout(resolve, 1))
      running--
      await limits.giveBack([scope], { requests: 0, tokens: 0, slots: 1 })
    }
    for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 20 }, call))
    expect(maxRunning).toBe(5)
    expect(passed).toBe(100)
  })
}

function testScopes(opened: Opened): void {
  it.each<[string, Limits, LimitKind]>([
    ['requests', { rpm: 3 }, 'requests'],
    ['tokens', { tpm: 350 }, 'tokens'],
    ['slots', { concurrency: 3 }, 'concurrency'],
  ])('takes from all scopes or from none: %s', async (_, tight, kind) => {
    const store = opened()
    const [wide, narrow] = [makeScope({ rpm: 10, tpm: 1000, concurrency: 10 }), makeScope(tight)]
    const take = { requests: 1, tokens: 100, slots: 1 }
    expect(await passing(store, 100, [wide, narrow], take)).toBe(3)
    const { exceeded } = await store.limits.take([wide, narrow], take)
    expect(exceeded).toMatchObject({ scope: narrow, kind })
    expect(await passing(store, 100, [wide], take)).toBe(7)
  })

  it('passes calls without limits', async () => {
    const { limits } = opened()
    expect(await limits.take([makeScope({})], ONE)).toEqual(NO_LIMITS)
    expect(await limits.take([], ONE)).toEqual(NO_LIMITS)
    await limits.giveBack([makeScope({})], ONE)
  })

  it('reports the limit with the longest wait', async () => {
    const { limits } = opened()
    const [quick, slow] = [makeScope({ rpm: 600, concurrency: 1 }), makeScope({ rpm: 10 })]
    await limits.take([quick, slow], { requests: 600, tokens: 0, slots: 1 })
    expect((await limits.take([quick], ONE)).exceeded).toMatchObject({ kind: 'concurrency', retryAfterMs: 1000 })
    const { exceeded } = await limits.take([quick, slow], ONE)
    expect(exceeded).toMatchObject({ scope: slow, kind: 'requests' })
    expect(exceeded?.retryAfterMs).toBeGreaterThan(5000)
  })
}

function testWaits(opened: Opened): void {
  it.each<[string, Limits, LimitTake, LimitTake]>([
    ['requests', { rpm: 600 }, ofRequests(600), ofRequests(1)],
    ['requests of an odd limit', { rpm: 700 }, ofRequests(700), ofRequests(1)],
    ['tokens', { tpm: 600_000 }, ofTokens(600_000), ofTokens(1000)],
  ])('reports exactly when the next call passes: %s', async (_, scopeLimits, all, next) => {
    const store = opened()
    const scope = makeScope(scopeLimits)
    await store.limits.take([scope], all)
    await expectExactWait(store, scope, next, 100)
  })

  it('refills evenly', async () => {
    const store = opened()
    const scope = makeScope({ rpm: 6000 })
    const startedAt = store.now()
    let passed = await passing(store, 6001, [scope], ONE)
    for (let round = 0; round < 5; round++) {
      await store.pass(40)
      passed += await passing(store, 60, [scope], ONE)
    }
    expect(passed).toBeLessThanOrEqual(6000 + (store.now() - startedAt) / 10)
    expect(passed).toBeGreaterThanOrEqual(6000 + 5 * 3)
  })

  it('needs the full bucket for a take larger than the bucket', async () => {
    const store = opened()
    const scope = makeScope({ tpm: 60_000 })
    const take = ofTokens(5_000_000)
    const small = ofTokens(150)
    await store.limits.take([scope], small)
    await expectExactWait(store, scope, take, 150)
    expect((await store.limits.take([scope], small)).exceeded?.kind).toBe('tokens')
  })
}

function testStates(opened: Opened): void {
  it('reports for each kind the scope with the least left', async () => {
    const { limits } = opened()
    const [one, other] = [makeScope({ rpm: 20, tpm: 5000 }), makeScope({ rpm: 10, tpm: 9000, concurrency: 2 })]
    const take = { requests: 2, tokens: 1000, slots: 0 }
    expectState(await limits.take([one, other], take), 'requests', 10, 8, 12_000)
    expectState(await limits.take([one, other], take), 'tokens', 5000, 3000, 24_000)
    expect(await limits.take([makeScope({ concurrency: 1 })], ONE)).toEqual(NO_LIMITS)
  })

  it('reports for a refused call the state of the exceeded limit', async () => {
    const { limits } = opened()
    const [one, other] = [makeScope({ rpm: 10 }), makeScope({ rpm: 5 })]
    await limits.take([one, other], ofRequests(4))
    const result = await limits.take([one, other], ofRequests(5))
    expect(result.exceeded?.scope).toEqual(other)
    expectState(result, 'requests', 5, 1, 48_000)
  })
}

function testReturns(opened: Opened): void {
  it('gives back what a call did not use', async () => {
    const { limits } = opened()
    const scope = makeScope({ rpm: 10, tpm: 1000, concurrency: 1 })
    const take = { requests: 1, tokens: 900, slots: 1 }
    await limits.take([scope], take)
    expect((await limits.take([scope], take)).exceeded?.kind).toBe('tokens')
    await limits.giveBack([scope], { requests: 1, tokens: 800, slots: 1 })
    const result = await limits.take([scope], take)
    expectState(result, 'requests', 10, 9, 6000)
    expectState(result, 'tokens', 1000, 0, 60_000)
  })

  it('never gives back more than the limit', async () => {
    const store = opened()
    const scope = makeScope({ rpm: 10, concurrency: 2 })
    await store.limits.take([scope], ONE)
    for (let turn = 0; turn < 3; turn++) await store.limits.giveBack([scope], { requests: 5, tokens: 0, slots: 1 })
    expect(await passing(store, 20, [scope], ONE)).toBe(2)
  })

  it('pays off a debt before any call passes, even one that takes no tokens', async () => {
    const store = opened()
    const scope = makeScope({ tpm: 60_000 })
    await store.limits.take([scope], ofTokens(59_000))
    await store.limits.giveBack([scope], ofTokens(-1200))
    await expectExactWait(store, scope, ofTokens(0), 200)
    await store.limits.giveBack([scope], ofTokens(-30_000))
    const { exceeded, tokens } = await store.limits.take([scope], ONE)
    expect(exceeded?.retryAfterMs).toBeGreaterThan(29_000)
    expect(tokens?.remaining).toBe(0)
    expect(tokens?.resetMs).toBeGreaterThan(89_000)
  })
}

type LimitKind = 'requests' | 'tokens' | 'concurrency'

const ONE: LimitTake = { requests: 1, tokens: 0, slots: 1 }
const NO_LIMITS: TakeResult = { exceeded: undefined, requests: undefined, tokens: undefined }

function ofRequests(requests: number): LimitTake {
  return { requests, tokens: 0, slots: 0 }
}

function ofTokens(tokens: number): LimitTake {
  return { requests: 0, tokens, slots: 0 }
}

/** A scope that no other test uses. */
export function makeScope(limits: Limits): LimitScope {
  return { name: `key:${randomText(12)}`, ...limits }
}

/** How many of these concurrent calls pass. */
export async function passing(
  { limits }: Pick<OpenedLimits, 'limits'>,
  calls: number,
  scopes: readonly LimitScope[],
  take: LimitTake,
): Promise<number> {
  const takes = await Promise.all(Array.from({ length: calls }, () => limits.take(scopes, take)))
  return takes.filter(({ exceeded }) => !exceeded).length
}

/** Takes again and again: nothing passes before the reported time, and then the take does. */
async function expectExactWait(
  store: OpenedLimits,
  scope: LimitScope,
  take: LimitTake,
  maxWaitMs: number,
): Promise<void> {
  const askedAt = store.now()
  const { exceeded } = await store.limits.take([scope], take)
  const answeredAt = store.now()
  const waitMs = exceeded?.retryAfterMs ?? Number.NaN
  expect(waitMs).toBeGreaterThan(0)
  expect(waitMs).toBeLessThanOrEqual(maxWaitMs + 1e-3)
  for (;;) {
    const retriedAt = store.now()
    const isRefused = (await store.limits.take([scope], take)).exceeded !== undefined
    if (!isRefused) break
    expect(retriedAt - answeredAt).toBeLessThan(waitMs)
    await store.pass(Math.min(5, Math.max(0.01, answeredAt + waitMs - store.now())))
  }
  expect(store.now() - askedAt).toBeGreaterThan(waitMs - 0.1)
}

/** The reset time may be a little shorter than expected, because a real clock goes on. */
function expectState(
  result: TakeResult,
  kind: 'requests' | 'tokens',
  limit: number,
  remaining: number,
  resetMs: number,
): void {
  const state = result[kind]
  expect(state).toMatchObject({ limit, remaining })
  expect(state?.resetMs).toBeLessThanOrEqual(resetMs + 1e-3)
  expect(state?.resetMs).toBeGreaterThan(resetMs - 500)
}
