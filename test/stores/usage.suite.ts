import { afterEach, describe, expect, it } from 'vitest'
import { randomText } from '../../src/lib/ids.js'
import type { UsageRecord, UsageStore } from '../../src/stores/usage.js'

/** A store to test. Each test uses its own callers, so that all tests may use one server. */
export interface OpenedUsage {
  readonly usage: UsageStore
  close(): void | Promise<void>
}

/** What every store of usage records must do. `open` runs once for each test. */
export function usageSuite(name: string, open: () => Promise<OpenedUsage>): void {
  describe(name, () => {
    const opened: OpenedUsage[] = []
    const start = async (): Promise<UsageStore> => {
      const one = await open()
      opened.push(one)
      return one.usage
    }
    afterEach(async () => {
      for (const { close } of opened.splice(0)) await close()
    })
    testQueries(start)
    testUnusualValues(start)
    testSums(start)
  })
}

type Start = () => Promise<UsageStore>

function testQueries(start: Start): void {
  it('returns a record as it was written, full or nearly empty', async () => {
    const usage = await start()
    const callerId = makeCaller()
    const full = makeRecord({ callerId, time: new Date('2026-11-24T10:00:00.123Z') })
    const empty = makeRecord({ ...emptyFields, callerId, time: new Date('2026-11-24T09:00:00.456Z') })
    usage.write(full)
    usage.write(empty)
    await usage.flush()
    expect(await usage.query({ callerId })).toEqual([full, empty])
  })

  it('returns the newest records first, up to the limit', async () => {
    const usage = await start()
    const callerId = makeCaller()
    for (let minute = 0; minute < 50; minute++) {
      usage.write(makeRecord({ callerId, requestId: `${minute}`, time: new Date(Date.UTC(2026, 10, 24, 10, minute)) }))
    }
    await usage.flush()
    const ids = (await usage.query({ callerId }, 3)).map(({ requestId }) => requestId)
    expect(ids).toEqual(['49', '48', '47'])
    expect(await usage.query({ callerId })).toHaveLength(50)
  })

  it('keeps two records with the same time and request id, the later one first', async () => {
    const usage = await start()
    const record = makeRecord({ callerId: makeCaller(), status: 200 })
    usage.write(record)
    usage.write({ ...record, status: 500 })
    await usage.flush()
    expect((await usage.query({ callerId: record.callerId })).map(({ status }) => status)).toEqual([500, 200])
  })

  it('filters by caller, group, model and time, and by all of them together', async () => {
    const usage = await start()
    const [alice, bob, group] = [makeCaller(), makeCaller(), makeCaller()]
    const day = (date: number): Date => new Date(Date.UTC(2026, 10, date))
    usage.write(makeRecord({ callerId: alice, group, model: 'small', time: day(1) }))
    usage.write(makeRecord({ callerId: alice, group, model: 'large', time: day(2) }))
    usage.write(makeRecord({ callerId: bob, group, model: 'small', time: day(3) }))
    await usage.flush()
    const count = async (filter: Parameters<UsageStore['query']>[0]): Promise<number> =>
      (await usage.query(filter)).length
    expect(await count({ group })).toBe(3)
    expect(await count({ callerId: alice })).toBe(2)
    expect(await count({ group, model: 'small' })).toBe(2)
    expect(await count({ group, from: day(2) })).toBe(2)
    expect(await count({ group, to: day(2) })).toBe(1)
    expect(await count({ group, from: day(2), to: day(3) })).toBe(1)
    expect(await count({ callerId: alice, group, model: 'small', from: day(1), to: day(2) })).toBe(1)
    expect(await count({ callerId: makeCaller() })).toBe(0)
  })
}

function testUnusualValues(start: Start): void {
  it('keeps unusual text: quotes, other scripts, zero bytes, half surrogate pairs, very long names', async () => {
    const usage = await start()
    const callerId = makeCaller()
    const models = ['o\'clock "x", {y} \\ \n', 'Größe 日本語 🧮', 'zero\u0000byte', 'half\ud83d', makeLong()]
    models.forEach((model, index) => {
      const losses = [{ path: model, reason: model }]
      usage.write(makeRecord({ callerId, model, tags: [model, 'a,b'], losses, status: 400 + index }))
    })
    await usage.flush()
    const records = await usage.query({ callerId })
    expect(records.map(({ status }) => status)).toEqual([404, 403, 402, 401, 400])
    expect(records.slice(3).map(({ model }) => model)).toEqual([models[1], models[0]])
    expect(records[4]?.tags).toEqual([models[0], 'a,b'])
    expect(records[4]?.losses).toEqual([{ path: models[0], reason: models[0] }])
  })

  it('writes thousands of records at once', async () => {
    const usage = await start()
    const callerId = makeCaller()
    for (let index = 0; index < 3000; index++) usage.write(makeRecord({ callerId }))
    await usage.flush()
    expect(await usage.query({ callerId }, 5000)).toHaveLength(3000)
    expect(await usage.query({ callerId })).toHaveLength(1000)
  })

  it('flushes when nothing was written', async () => {
    const usage = await start()
    await usage.flush()
    expect(await usage.sums('day', { callerId: makeCaller() })).toEqual([])
  })
}

function testSums(start: Start): void {
  it('adds up by hour or day (UTC), caller and model', async () => {
    const usage = await start()
    const group = makeCaller()
    const [alice, bob] = [`a-${group}`, `b-${group}`]
    const at = (text: string): Date => new Date(`2026-11-${text}Z`)
    const write = (fields: Partial<UsageRecord>): void => usage.write(makeRecord({ group, ...fields }))
    write({ callerId: bob, model: 'small', time: at('24T23:59:59.999') })
    write({ callerId: alice, model: 'small', time: at('24T23:00:00.000'), outcome: 'failed', costNanos: undefined })
    write({ callerId: alice, model: 'large', time: at('24T22:59:59.999'), outcome: 'cut', outputTokens: undefined })
    write({ callerId: alice, model: 'small', time: at('24T23:30:00.000'), outcome: 'left' })
    write({ callerId: alice, model: 'small', time: at('25T00:00:00.000') })
    await usage.flush()
    const one = { calls: 1, failed: 0, inputTokens: 100, cachedInputTokens: 40, outputTokens: 20, reasoningTokens: 5 }
    const two = { calls: 2, failed: 1, inputTokens: 200, cachedInputTokens: 80, outputTokens: 40, reasoningTokens: 10 }
    const day = (time: string): object => ({ time: at(time) })
    expect(await usage.sums('day', { group })).toEqual([
      { ...day('24T00:00'), callerId: alice, model: 'large', ...one, failed: 1, outputTokens: 0, costNanos: 1234 },
      { ...day('24T00:00'), callerId: alice, model: 'small', ...two, costNanos: 1234 },
      { ...day('24T00:00'), callerId: bob, model: 'small', ...one, costNanos: 1234 },
      { ...day('25T00:00'), callerId: alice, model: 'small', ...one, costNanos: 1234 },
    ])
    const hours = await usage.sums('hour', { group, callerId: alice })
    expect(hours.map(({ time, calls }) => [time, calls])).toEqual([
      [at('24T22:00'), 1],
      [at('24T23:00'), 2],
      [at('25T00:00'), 1],
    ])
  })

  it('adds up large costs exactly', async () => {
    const usage = await start()
    const callerId = makeCaller()
    for (const costNanos of [4_503_599_627_370_496, 4_503_599_627_370_494, 1]) {
      usage.write(makeRecord({ callerId, costNanos }))
    }
    await usage.flush()
    expect((await usage.sums('day', { callerId }))[0]?.costNanos).toBe(Number.MAX_SAFE_INTEGER)
  })
}

const emptyFields = {
  tags: [],
  stream: false,
  target: undefined,
  attempts: [],
  inputTokens: undefined,
  cachedInputTokens: undefined,
  outputTokens: undefined,
  reasoningTokens: undefined,
  costNanos: undefined,
  cache: undefined,
  losses: [],
  firstOutputMs: undefined,
  error: undefined,
} satisfies Partial<UsageRecord>

/** A record with a value in every field. */
export function makeRecord(fields: Partial<UsageRecord>): UsageRecord {
  return {
    requestId: `req_${randomText(8)}`,
    time: new Date('2026-11-24T10:00:00.000Z'),
    callerId: 'alice',
    group: 'default',
    tags: ['team', 'blue'],
    operation: 'chat',
    protocol: 'openai-chat',
    model: 'small',
    stream: true,
    target: 'openai/gpt-5',
    attempts: [
      { target: 'groq/llama', status: 503 },
      { target: 'openai/gpt-5', status: 'connect' },
    ],
    status: 200,
    outcome: 'complete',
    inputTokens: 100,
    cachedInputTokens: 40,
    outputTokens: 20,
    reasoningTokens: 5,
    estimated: true,
    costNanos: 1234,
    multiplier: 1.25,
    cache: 'miss',
    losses: [{ path: 'messages[0].name', reason: 'unknown' }],
    firstOutputMs: 12.5,
    totalMs: 100.25,
    error: 'server_error',
    ...fields,
  }
}

/** A caller that no other test uses. */
export function makeCaller(): string {
  return randomText(12)
}

/** Longer than an index entry may be, and hard to compress. */
function makeLong(): string {
  return randomText(20_000)
}
