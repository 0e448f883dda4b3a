import { afterEach, describe, expect, it } from 'vitest'
import { fetchRelay } from '../../adapters/fetch.js'
import type { Caller, RelayOptions, UsageRecord } from '../../src/index.js'
import { canonicalJson } from '../../src/lib/canonical-json.js'
import { limitError } from '../../src/policies/admission/limiter.js'
import { Cleanup } from '../cleanup.js'
import { pick, seeded } from '../random.js'
import { answerJson, answerStream, completion, type Script, startUpstream, streamed } from '../scripted-upstream.js'
import { KEY, testRelay } from '../test-relay.js'
import { pause } from '../until.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const QUESTION = { model: 'up/test', temperature: 0, max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] }
const WORDS = Array.from({ length: 20 }, (_, index) => `word ${index}`)

async function start(options: Partial<RelayOptions> = {}, script?: Script) {
  const upstream = cleanup.add(await startUpstream(script))
  const records: UsageRecord[] = []
  const logs: string[] = []
  const log = (_details: object, message: string): void => void logs.push(message)
  const relay = cleanup.add(
    testRelay({
      providers: { up: { type: 'openai-compatible', baseURL: upstream.baseURL } },
      retry: { attempts: 1 },
      health: { failures: 10_000 },
      prices: { '*': { input: 1, output: 1 } },
      plugins: [{ done: (record) => void records.push(record) }],
      logger: { info: log, warn: log, error: log },
      shutdownMs: 300,
      ...options,
    }),
  )
  const fetch = fetchRelay(relay)
  const ask = (body: object = {}, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    fetch('http://relay/v1/chat/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, ...headers },
      body: JSON.stringify({ ...QUESTION, ...body }),
      ...(signal ? { signal } : {}),
    })
  return { upstream, relay, records, logs, ask }
}

const stateOf = (answer: Response): string | null => answer.headers.get('x-modelmount-cache')
const called = (caller: object): Partial<RelayOptions> => ({ keys: [], authenticate: () => caller as Caller })

describe('a stream whose clients have all disconnected', () => {
  it('is drained for its usage, but not cached', async () => {
    const { ask, records } = await start({ cache: {}, onDisconnect: 'drain' }, answerStream(streamed(...WORDS), 5))
    const abortController = new AbortController()
    const first = await ask({ stream: true }, {}, abortController.signal)
    abortController.abort()
    await first.text().catch(() => undefined)
    await expect.poll(() => records.length).toBe(1)
    expect(records).toMatchObject([{ outcome: 'complete', outputTokens: WORDS.length }])
    const again = await ask({ stream: true })
    expect(stateOf(again)).toBe('miss')
    expect(await again.text()).toContain('word 19')
  })
})

describe('a stream whose first chunk exceeds maxAnswerBytes', () => {
  it('is complete for every client', async () => {
    const all = answerStream([streamed(...WORDS).join('')])
    const { ask, upstream } = await start({ cache: { maxAnswerBytes: 100 } }, all)
    const texts = await Promise.all([1, 2].map(async () => (await ask({ stream: true })).text()))
    for (const text of texts) expect(text).toMatch(/word 0".*word 19".*\[DONE\]/s)
    expect(stateOf(await ask({ stream: true }))).toBe('miss')
    expect(upstream.seen).toHaveLength(2)
  })
})

describe('an idempotency key', () => {
  it('is bound to its request even if a cache hit answered it', async () => {
    const { ask, upstream } = await start({ cache: { seconds: 1 } })
    await ask()
    expect(stateOf(await ask({}, { 'idempotency-key': 'k' }))).toBe('hit')
    expect((await ask({ seed: 2 }, { 'idempotency-key': 'k' })).status).toBe(409)
    await pause(1100)
    expect(stateOf(await ask({}, { 'idempotency-key': 'k' }))).toBe('hit')
    expect(upstream.seen).toHaveLength(1)
  })
})

describe('calls that share a stream', () => {
  it('are all recorded as cut when it breaks', async () => {
    const { ask, records } = await start({ cache: {} }, (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const piece of streamed(...WORDS).slice(0, 10)) res.write(piece)
      setTimeout(() => res.destroy(), 30)
    })
    const answers = await Promise.all([ask({ stream: true }), ask({ stream: true })])
    await Promise.all(answers.map((answer) => answer.text()))
    await expect.poll(() => records.length).toBe(2)
    expect(records.map(({ cache, outcome }) => `${cache} ${outcome}`).sort()).toEqual(['miss cut', 'shared cut'])
  })

  it.each(['abort', 'drain'] as const)(
    'are settled once each when clients disconnect in any order (%s)',
    async (onDisconnect) => {
      const next = seeded(onDisconnect.length)
      const scripts: Script[] = [
        answerStream(streamed(...WORDS), 2),
        (_req, res) => void setTimeout(() => res.destroy(), 10),
        (req, res, seen) => void setTimeout(() => void answerJson(completion('x'))(req, res, seen), 15),
        (_req, res) => {
          res.writeHead(200, { 'content-type': 'text/event-stream' })
          for (const piece of streamed(...WORDS).slice(0, 9)) res.write(piece)
          setTimeout(() => res.destroy(), 15)
        },
      ]
      const { ask, relay, records, upstream } = await start(
        {
          cache: { seconds: 1 },
          onDisconnect,
          limits: { concurrency: 1000 },
          keys: [{ id: 'alice', key: KEY, budget: { usd: 100 } }],
        },
        (req, res, seen) => pick(next, scripts)(req, res, seen),
      )
      const calls = Array.from({ length: 300 }, async () => {
        await pause(next() * 300)
        const abortController = new AbortController()
        if (next() < 0.6) setTimeout(() => abortController.abort(), next() * 40)
        const headers: Record<string, string> = next() < 0.4 ? { 'idempotency-key': pick(next, ['a', 'b', 'c']) } : {}
        if (next() < 0.2) headers['cache-control'] = 'no-cache'
        const answer = await ask(
          { stream: next() < 0.8, seed: Math.floor(next() * 6) },
          headers,
          abortController.signal,
        )
        await answer.text()
      })
      await Promise.allSettled(calls)
      await expect.poll(() => records.length, { timeout: 3000 }).toBe(300)
      await expect.poll(() => upstream.running.size).toBe(0)
      const { spent, held } = await relay.balance('key:alice')
      expect(held).toBe(0)
      expect(records.reduce((sum, { costNanos = 0 }) => sum + costNanos, 0)).toBe(spent)
      const before = performance.now()
      await relay.close()
      expect(performance.now() - before).toBeLessThan(200)
      expect(records).toHaveLength(300)
    },
  )
})

describe('unusual requests', () => {
  it('leave a budget a finite number', async () => {
    const options = { prices: { '*': { input: 1, output: 0 } }, keys: [{ id: 'alice', key: KEY, budget: { usd: 1 } }] }
    const { ask, relay } = await start(options)
    for (const body of [{ n: 1e308, max_tokens: 1e308 }, { n: 1e9 }, { n: -1, max_tokens: -5 }, { max_tokens: 0 }]) {
      await ask(body)
      expect(await relay.balance('key:alice')).toEqual({ spent: expect.any(Number), held: 0 })
    }
  })

  it('may have a very long text', async () => {
    const { ask } = await start({ cache: {} })
    const content = 'a \\"b\n'.repeat(3_000_000)
    expect((await ask({ messages: [{ role: 'user', content }] })).status).toBe(200)
    const spellings = ['"a"', '"\\""', '"\\\\"', '"\\\\\\""', '""', '{"a\\"b":"\\\\"}', '["\\\\",1,"\\""]']
    for (const text of spellings) expect(JSON.parse(canonicalJson(text))).toEqual(JSON.parse(text))
  })
})

describe('a caller from authenticate', () => {
  it.each([
    { limits: { rpm: 0 } },
    { limits: { tpm: 0 } },
    { limits: { concurrency: 0 } },
    { limits: { models: { 'up/*': { rpm: 0 } } } },
    { budget: { usd: 0 } },
  ])('with a limit of zero is refused: %j', async (more) => {
    const { ask, upstream } = await start(called({ id: 'a', ...more }))
    const refused = await ask()
    expect(refused.status).toBe(429)
    expect([...refused.headers.values()].join()).not.toMatch(/NaN|Infinity/)
    expect(upstream.seen).toHaveLength(0)
  })

  it.each([
    { limits: { rpm: Number.NaN } },
    { limits: { concurrency: Number.NaN } },
    { limits: { models: { '*': { tpm: -1 } } } },
    { budget: { usd: Number.NaN } },
    { budget: [{ usd: 1 }, { usd: undefined }] },
    { id: 7 },
    { id: undefined },
    { id: 'a\ud800' },
  ])('with invalid fields is a 500: %o', async (more) => {
    const { ask, upstream, logs } = await start({ cache: {}, ...called({ id: 'a', ...more }) })
    expect((await ask()).status).toBe(500)
    expect(logs).toEqual(['a request failed unexpectedly'])
    expect(upstream.seen).toHaveLength(0)
  })

  it('may have null for missing limits and group', async () => {
    const caller = { id: 'a', group: null, limits: { rpm: null, tpm: Number.POSITIVE_INFINITY }, budget: null }
    const { ask, records } = await start(called(caller))
    const answer = await ask()
    expect(answer.status).toBe(200)
    expect([...answer.headers.keys()].filter((name) => name.startsWith('x-ratelimit'))).toEqual([])
    expect(records).toMatchObject([{ group: 'default' }])
  })

  it('shares no limit with another caller of a similar name', async () => {
    const limits = { models: { 'up/*': { rpm: 1 } } }
    const { ask } = await start({
      keys: [],
      authenticate: ({ headers }) => {
        const id = String(headers['x-user'])
        return id === 'alice' ? { id, limits } : { id, limits: { rpm: 1 } }
      },
    })
    for (const user of ['alice model:up/*', 'alice', 'model:4:up/* key:alice']) {
      expect((await ask({}, { 'x-user': user })).status).toBe(200)
      const refused = await ask({}, { 'x-user': user })
      expect(refused.status).toBe(429)
      const { error } = (await refused.json()) as { error: { message: string } }
      expect(error.message).toContain(user === 'alice' ? 'for model:up/* on' : 'for this key on')
    }
    const odd = { name: 'key:two\nlines', rpm: 1, tpm: undefined, concurrency: undefined }
    expect(limitError({ scope: odd, kind: 'requests', retryAfterMs: 1 }).message).toContain('for this key on')
  })
})

describe('a priceOf hook that throws', () => {
  it('frees its slot, and the call is billed as unpriced', async () => {
    const { ask, logs, records } = await start({
      prices: {},
      limits: { concurrency: 1 },
      priceOf: (target) => {
        if (target === 'up/bad') throw new Error('no price')
        return undefined
      },
    })
    await ask()
    for (let turn = 0; turn < 3; turn++) expect((await ask({ model: 'up/bad' })).status).toBe(200)
    expect(records.map(({ costNanos }) => costNanos)).toEqual([75_000, 75_000, 75_000, 75_000])
    expect(logs.filter((message) => message.startsWith('`priceOf` failed'))).toHaveLength(1)
  })
})
