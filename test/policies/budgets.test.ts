import { afterEach, describe, expect, it } from 'vitest'
import { fetchRelay } from '../../adapters/fetch.js'
import type { RelayOptions, UsageRecord } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { seeded } from '../random.js'
import {
  answerError,
  answerJson,
  answerStream,
  completion,
  type Script,
  startUpstream,
  streamed,
} from '../scripted-upstream.js'
import { KEY, testRelay } from '../test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const QUESTION = { model: 'up/test', messages: [{ role: 'user', content: 'hi' }], max_tokens: 100 }
const usageOf = (input: number, output: number) => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
})

async function start(options: Partial<RelayOptions>, script?: Script) {
  const upstream = cleanup.add(await startUpstream(script))
  const records: UsageRecord[] = []
  const warnings: object[] = []
  const { keys = [{ id: 'alice', key: KEY, budget: { usd: 1 } }], ...rest } = options
  const relay = cleanup.add(
    testRelay({
      providers: { up: { type: 'openai-compatible', baseURL: upstream.baseURL } },
      retry: { attempts: 1 },
      health: { failures: 10_000 },
      plugins: [{ done: (record) => void records.push(record) }],
      logger: { info: () => undefined, warn: (...what) => void warnings.push(what), error: () => undefined },
      keys,
      ...rest,
    }),
  )
  const fetch = fetchRelay(relay)
  const ask = (body: object = {}, signal?: AbortSignal) =>
    fetch('http://relay/v1/chat/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ ...QUESTION, ...body }),
      ...(signal ? { signal } : {}),
    })
  const balance = (account = 'key:alice', per?: 'total' | 'day' | 'month') => relay.balance(account, per)
  return { upstream, relay, records, warnings, ask, balance }
}

describe('a budget', () => {
  it('is charged the cost times the group’s multiplier, which a header reports', async () => {
    const { ask, balance, records } = await start(
      {
        keys: [{ id: 'alice', key: KEY, group: 'vip', budget: { usd: 1 } }],
        groups: { vip: { multiplier: 0.5 } },
        prices: { 'up/test': { input: 2, output: 8 } },
      },
      answerJson(completion('hello', usageOf(1000, 500))),
    )
    const answer = await ask()
    expect(answer.headers.get('x-modelmount-cost')).toBe('0.003')
    expect(await balance()).toEqual({ spent: 3_000_000, held: 0 })
    expect(records).toMatchObject([{ costNanos: 3_000_000, multiplier: 0.5, estimated: false }])
  })

  it('refuses a call that might cost more than is left with insufficient_quota, and sends nothing', async () => {
    const { ask, upstream, balance } = await start({ prices: { '*': { input: 0, output: 20_000 } } })
    const refused = await ask({ max_tokens: 51 })
    expect(refused.status).toBe(429)
    expect(refused.headers.get('x-should-retry')).toBe('false')
    const { error } = (await refused.json()) as { error: object }
    expect(error).toMatchObject({ type: 'insufficient_quota', code: 'insufficient_quota' })
    expect(upstream.seen).toHaveLength(0)
    expect((await ask({ max_tokens: 50 })).status).toBe(200)
    expect(await balance()).toEqual({ spent: 40_000_000, held: 0 })
  })

  it('is never exceeded by 500 concurrent calls, and equals the sum of the records', async () => {
    const next = seeded(7)
    const { ask, records, balance, upstream } = await start({ prices: { '*': { input: 3, output: 333.333_333 } } })
    upstream.script = (req, res, seen) => {
      const { max_tokens } = JSON.parse(seen.body) as { max_tokens: number }
      const script =
        next() < 0.2
          ? answerError(500, 'broken')
          : answerJson(completion('hello', usageOf(7, Math.floor(next() * max_tokens))))
      setTimeout(() => void script(req, res, seen), next() * 20)
    }
    const abortController = Array.from({ length: 500 }, () => new AbortController())
    const asked = abortController.map((controller) => ask({ max_tokens: 20 }, controller.signal).catch(() => undefined))
    for (const controller of abortController) if (next() < 0.1) setTimeout(() => controller.abort(), next() * 20)
    await Promise.all(asked)
    await expect.poll(() => records.length).toBe(500)
    const { spent, held } = await balance()
    expect(held).toBe(0)
    expect(spent).toBeGreaterThan(0)
    expect(spent).toBeLessThanOrEqual(1e9)
    expect(records.reduce((sum, { costNanos = 0 }) => sum + costNanos, 0)).toBe(spent)
    expect(records.some(({ error }) => error === 'insufficient_quota')).toBe(true)
  })

  it('applies to keys and groups, per day, per month and in total', async () => {
    const { ask, balance } = await start({
      keys: [
        {
          id: 'alice',
          key: KEY,
          group: 'g',
          budget: [
            { usd: 5, per: 'day' },
            { usd: 9, per: 'month' },
          ],
        },
      ],
      groups: { g: { budget: { usd: 0.001, per: 'total' } } },
      prices: { '*': { input: 0, output: 10 } },
    })
    expect((await ask()).status).toBe(200)
    expect((await ask()).status).toBe(429)
    for (const [account, per] of [
      ['key:alice', 'day'],
      ['key:alice', 'month'],
      ['group:g', 'total'],
    ] as const)
      expect(await balance(account, per)).toEqual({ spent: 20_000, held: 0 })
  })

  it('charges the configured price for a model without a known one, and warns once', async () => {
    const { ask, records, warnings } = await start(
      { unpriced: { input: 10, output: 100 } },
      answerJson(completion('x', usageOf(10, 10))),
    )
    await ask()
    await ask()
    expect(records.map(({ costNanos }) => costNanos)).toEqual([1_100_000, 1_100_000])
    expect(warnings.filter((one) => JSON.stringify(one).includes('no price is known for up/test'))).toHaveLength(1)
  })

  it('returns the limits of a call that it refuses', async () => {
    const { ask } = await start({ limits: { rpm: 2, concurrency: 1 }, prices: { '*': { input: 0, output: 20_000 } } })
    for (let turn = 0; turn < 5; turn++) {
      const { error } = (await (await ask({ max_tokens: 100 })).json()) as { error: { code: string } }
      expect(error.code).toBe('insufficient_quota')
    }
    expect((await ask({ max_tokens: 1 })).status).toBe(200)
  })
})

describe('the charge of a call', () => {
  const PRICES = { '*': { input: 1, output: 10 } }
  const cut: Script = (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of streamed(...Array.from({ length: 40 }, () => 'four')).slice(0, 41)) res.write(piece)
    setTimeout(() => res.destroy(), 20)
  }

  it('is the reported usage if the call is complete', async () => {
    const { ask, records } = await start({ prices: PRICES }, answerJson(completion('x', usageOf(100, 10))))
    await ask()
    expect(records).toMatchObject([{ outcome: 'complete', costNanos: 200_000, estimated: false }])
  })

  it('is an estimate if the upstream reports no usage', async () => {
    const { usage, ...uncounted } = completion('four'.repeat(40)) as Record<string, unknown>
    const { ask, records } = await start({ prices: PRICES }, answerJson(uncounted))
    expect(usage).toBeDefined()
    await ask()
    expect(records).toMatchObject([{ outcome: 'complete', outputTokens: 40, estimated: true }])
    expect(records[0]?.inputTokens).toBeGreaterThan(5)
  })

  it('HC-089: is zero if all attempts fail before the first output', async () => {
    const { ask, balance, records } = await start(
      { prices: PRICES, retry: { attempts: 3, minDelayMs: 1 } },
      answerError(500, 'broken'),
    )
    await ask()
    expect(records).toMatchObject([{ outcome: 'failed', costNanos: 0 }])
    expect(await balance()).toEqual({ spent: 0, held: 0 })
  })

  it('is the delivered part of a stream cut after the first output', async () => {
    const { ask, records, balance } = await start({ prices: PRICES }, cut)
    await (await ask({ stream: true })).text()
    expect(records).toMatchObject([{ outcome: 'cut', estimated: true }])
    const { outputTokens = 0, costNanos = 0 } = records[0] ?? {}
    expect(outputTokens).toBeGreaterThan(30)
    expect(outputTokens).toBeLessThan(50)
    expect(await balance()).toEqual({ spent: costNanos, held: 0 })
  })

  it('HC-086: is the delivered part and the input if the client disconnects in the middle', async () => {
    const { ask, records } = await start(
      { prices: PRICES },
      answerStream(streamed(...Array.from({ length: 80 }, () => 'four')), 5),
    )
    const abortController = new AbortController()
    const answer = await ask({ stream: true }, abortController.signal)
    setTimeout(() => abortController.abort(), 200)
    await answer.text().catch(() => undefined)
    await expect.poll(() => records.length).toBe(1)
    expect(records).toMatchObject([{ outcome: 'left', estimated: true }])
    expect(records[0]?.outputTokens).toBeGreaterThan(5)
    expect(records[0]?.costNanos).toBeGreaterThan(0)
  })

  it('is the whole usage if the client disconnects and the relay drains the stream', async () => {
    const { ask, records } = await start(
      { prices: PRICES, onDisconnect: 'drain' },
      answerStream(streamed(...Array.from({ length: 20 }, () => 'four')), 5),
    )
    const abortController = new AbortController()
    const answer = await ask({ stream: true }, abortController.signal)
    abortController.abort()
    await answer.text().catch(() => undefined)
    await expect.poll(() => records.length).toBe(1)
    expect(records).toMatchObject([{ inputTokens: 5, outputTokens: 20, estimated: false, costNanos: 205_000 }])
  })

  it('is zero if the client disconnects before the first output', async () => {
    const { ask, records, upstream, balance } = await start({ prices: PRICES }, () => undefined)
    const abortController = new AbortController()
    const pending = ask({}, abortController.signal).catch(() => undefined)
    await expect.poll(() => upstream.seen.length).toBe(1)
    abortController.abort()
    await pending
    await expect.poll(() => records.length).toBe(1)
    expect(records).toMatchObject([{ outcome: 'left', costNanos: 0 }])
    expect(await balance()).toEqual({ spent: 0, held: 0 })
  })

  it('is zero for a cached or shared answer, which the record marks', async () => {
    const { ask, records, balance } = await start(
      { prices: PRICES, cache: {} },
      (req, res, seen) => void setTimeout(() => void answerJson(completion('x', usageOf(100, 10)))(req, res, seen), 20),
    )
    await Promise.all([ask({ temperature: 0 }), ask({ temperature: 0 })])
    await ask({ temperature: 0 })
    expect(records.map(({ cache, costNanos }) => [cache, costNanos])).toEqual(
      expect.arrayContaining([
        ['miss', 200_000],
        ['shared', 0],
        ['hit', 0],
      ]),
    )
    expect(await balance()).toEqual({ spent: 200_000, held: 0 })
  })

  it('is zero for counting tokens', async () => {
    const { relay, records } = await start({ prices: PRICES })
    const answer = await fetchRelay(relay)('http://relay/v1/messages/count_tokens', {
      method: 'POST',
      headers: { 'x-api-key': KEY },
      body: JSON.stringify({ model: 'up/test', messages: [{ role: 'user', content: 'hi' }] }),
    })
    expect(answer.status).toBe(200)
    expect(records.every(({ costNanos }) => !costNanos)).toBe(true)
  })
})

describe('counting tokens', () => {
  const count = (relay: Parameters<typeof fetchRelay>[0]): Promise<Response> =>
    fetchRelay(relay)('http://relay/v1/messages/count_tokens', {
      method: 'POST',
      headers: { 'x-api-key': KEY },
      body: JSON.stringify({ model: 'up/test', messages: [{ role: 'user', content: 'hi' }] }),
    })

  it('needs no budget and no token limit', async () => {
    const upstream = cleanup.add(await startUpstream(answerJson({ input_tokens: 3 })))
    const { relay } = await start({
      providers: { up: { type: 'anthropic', apiKey: 'k-12345678', baseURL: `http://127.0.0.1:${upstream.port}` } },
      keys: [{ id: 'alice', key: KEY, budget: { usd: 0 }, limits: { tpm: 1 } }],
    })
    expect((await count(relay)).status).toBe(200)
    expect((await count(relay)).status).toBe(200)
  })

  it('is limited and recorded like other requests where the relay estimates', async () => {
    const { relay, records } = await start({ limits: { rpm: 1 } })
    const answer = await count(relay)
    expect(answer.headers.get('x-modelmount-losses')).toBe('count: estimated by the relay')
    expect(answer.headers.get('x-ratelimit-remaining-requests')).toBe('0')
    expect((await count(relay)).status).toBe(429)
    expect(records).toMatchObject([
      { operation: 'count', status: 200, outcome: 'complete', costNanos: 0 },
      { operation: 'count', status: 429 },
    ])
  })
})
