import OpenAI from 'openai'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { fetchRelay } from '../../adapters/fetch.js'
import type { ConfigInput, RelayOptions, UsageRecord } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
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

const QUESTION = { model: 'up/test', messages: [{ role: 'user', content: 'hi' }] }

/** Starts a scripted upstream and a relay. Returns both, and functions that call the relay. */
async function start(options: Partial<RelayOptions>, script?: Script) {
  const upstream = cleanup.add(await startUpstream(script))
  const records: UsageRecord[] = []
  const relay = cleanup.add(
    testRelay({
      providers: { up: { type: 'openai-compatible', baseURL: upstream.baseURL } },
      retry: { attempts: 1 },
      plugins: [{ done: (record) => void records.push(record) }],
      prices: { '*': { input: 1, output: 1 } },
      ...options,
    }),
  )
  const fetch = fetchRelay(relay)
  const ask = (
    body: object = {},
    init: { key?: string; headers?: Record<string, string>; signal?: AbortSignal } = {},
  ) =>
    fetch('http://relay/v1/chat/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${init.key ?? KEY}`, ...init.headers },
      body: JSON.stringify({ ...QUESTION, ...body }),
      ...(init.signal ? { signal: init.signal } : {}),
    })
  return { upstream, relay, records, ask, fetch }
}

const statuses = async (answers: Promise<Response>[]): Promise<number[]> =>
  Promise.all(answers.map(async (answer) => (await answer).status))
const countOf = (numbers: number[], wanted: number): number => numbers.filter((number) => number === wanted).length

describe('requests per minute', () => {
  it('HC-153: passes exactly the allowed number of a hundred concurrent requests, and charges the refused ones nothing', async () => {
    const { ask, upstream, records } = await start({ limits: { rpm: 10 } })
    const all = await statuses(Array.from({ length: 100 }, () => ask()))
    expect(countOf(all, 200)).toBe(10)
    expect(countOf(all, 429)).toBe(90)
    expect(upstream.seen).toHaveLength(10)
    expect(records).toHaveLength(100)
    expect(records.filter(({ costNanos }) => costNanos === 0)).toHaveLength(90)
  })

  it('reports the limit in OpenAI’s headers, and the wait in milliseconds', async () => {
    const { ask } = await start({ limits: { rpm: 2 } })
    const first = await ask()
    expect(first.headers.get('x-ratelimit-limit-requests')).toBe('2')
    expect(first.headers.get('x-ratelimit-remaining-requests')).toBe('1')
    expect(first.headers.get('x-ratelimit-reset-requests')).toMatch(/^(30|29\.\d+)s$/)
    await ask()
    const refused = await ask()
    expect(refused.status).toBe(429)
    const waitMs = Number(refused.headers.get('retry-after-ms'))
    expect(waitMs).toBeGreaterThan(29_000)
    expect(waitMs).toBeLessThanOrEqual(30_000)
    expect(refused.headers.get('retry-after')).toBe(String(Math.ceil(waitMs / 1000)))
    expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0')
    const { error } = (await refused.json()) as { error: Record<string, unknown> }
    expect(error).toMatchObject({ type: 'rate_limit_error', code: 'rate_limit_exceeded' })
    expect(error.message).toMatch(/requests per minute \(RPM\): limit 2\. Please try again in 29\.\d+s|30s/)
  })

  it('passes a request after the reported wait', async () => {
    const { ask } = await start({ limits: { rpm: 600 } })
    await statuses(Array.from({ length: 600 }, () => ask()))
    const refused = await ask()
    const waitMs = Number(refused.headers.get('retry-after-ms'))
    expect(waitMs).toBeLessThanOrEqual(100)
    await new Promise((resolve) => setTimeout(resolve, waitMs + 2))
    expect((await ask()).status).toBe(200)
  })

  it('HC-154: ignores jumps of the wall clock', async () => {
    const { ask } = await start({ limits: { rpm: 600 } })
    const clock = vi.spyOn(Date, 'now')
    const real = Date.now()
    for (const jump of [-3_600_000, 86_400_000]) {
      await statuses(Array.from({ length: 300 }, () => ask()))
      clock.mockReturnValue(real + jump)
      const answers = await Promise.all(Array.from({ length: 700 }, async () => (await ask()).status))
      expect(countOf(answers, 200)).toBeLessThanOrEqual(620)
      await new Promise((resolve) => setTimeout(resolve, 150))
      expect((await ask()).status).toBe(200)
    }
    clock.mockRestore()
  })

  it.each([
    ['messages', { max_tokens: 5 }, 'rate_limit_error'],
    ['chat/completions', {}, 'rate_limit_exceeded'],
  ])('refuses in the format of %s', async (path, more, word) => {
    const { fetch } = await start({ limits: { rpm: 1 } })
    const ask = () =>
      fetch(`http://relay/v1/${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${KEY}` },
        body: JSON.stringify({ ...QUESTION, ...more }),
      })
    expect((await ask()).status).toBe(200)
    const refused = await ask()
    expect(refused.status).toBe(429)
    expect(await refused.text()).toContain(word)
  })

  it('makes OpenAI’s client wait by retry-after-ms', async () => {
    const { fetch } = await start({ limits: { rpm: 600 } })
    const client = new OpenAI({ baseURL: 'http://relay/v1', apiKey: KEY, fetch, maxRetries: 2 })
    const all = Array.from({ length: 602 }, () => client.chat.completions.create(QUESTION as never))
    expect(await Promise.all(all)).toHaveLength(602)
  })
})

describe('scopes of limits', () => {
  const KEYS: ConfigInput['keys'] = [
    { id: 'a', key: 'sk-aaaaaaaa', group: 'g' },
    { id: 'b', key: 'sk-bbbbbbbb', group: 'g' },
    { id: 'c', key: 'sk-cccccccc', limits: { rpm: 5 } },
  ]

  it('counts each key separately', async () => {
    const { ask } = await start({ keys: KEYS, groups: { g: {} }, limits: { rpm: 2 } })
    for (const key of ['sk-aaaaaaaa', 'sk-bbbbbbbb'])
      expect(await statuses([1, 2, 3].map(() => ask({}, { key })))).toEqual([200, 200, 429])
    expect(countOf(await statuses([1, 2, 3, 4, 5, 6].map(() => ask({}, { key: 'sk-cccccccc' }))), 200)).toBe(5)
  })

  it('counts a group as one, apart from the default limit of its keys', async () => {
    const { ask } = await start({ keys: KEYS, groups: { g: { limits: { rpm: 3 } } }, limits: { rpm: 2 } })
    expect(await statuses([1, 2].map(() => ask({}, { key: 'sk-aaaaaaaa' })))).toEqual([200, 200])
    expect(await statuses([1, 2].map(() => ask({}, { key: 'sk-bbbbbbbb' })))).toEqual([200, 429])
  })

  it('counts a key per model, and all callers together', async () => {
    const { ask } = await start({
      keys: KEYS,
      groups: { g: {} },
      limits: { models: { 'up/dear*': { rpm: 1 } }, relay: { rpm: 4 } },
    })
    expect((await ask({ model: 'up/dear-1' }, { key: 'sk-aaaaaaaa' })).status).toBe(200)
    expect((await ask({ model: 'up/dear-2' }, { key: 'sk-aaaaaaaa' })).status).toBe(429)
    expect((await ask({ model: 'up/dear-2' }, { key: 'sk-bbbbbbbb' })).status).toBe(200)
    expect(await statuses([1, 2, 3].map(() => ask({}, { key: 'sk-aaaaaaaa' })))).toEqual([200, 200, 429])
  })

  it('takes nothing from other limits when one refuses', async () => {
    const { ask } = await start({
      keys: KEYS,
      groups: { g: {} },
      limits: { rpm: 3, models: { 'up/dear': { rpm: 1 } } },
    })
    const dear = () => ask({ model: 'up/dear' }, { key: 'sk-aaaaaaaa' })
    expect(await statuses([dear(), dear(), dear(), dear()])).toEqual([200, 429, 429, 429])
    expect(await statuses([1, 2, 3].map(() => ask({}, { key: 'sk-aaaaaaaa' })))).toEqual([200, 200, 429])
  })

  it('uses the limits that authenticate returns', async () => {
    const { ask } = await start({ authenticate: () => ({ id: 'session-user', limits: { rpm: 1 } }) })
    expect(await statuses([ask(), ask()])).toEqual([200, 429])
  })
})

describe('tokens per minute', () => {
  it('reserves the estimate, returns the unused part, and keeps an overrun as debt', async () => {
    const usage = { prompt_tokens: 5, completion_tokens: 55, total_tokens: 60 }
    const { ask } = await start({ limits: { tpm: 100 } }, answerJson(completion('hello', usage)))
    const first = await ask({ max_tokens: 10 })
    expect(first.status).toBe(200)
    const second = await ask({ max_tokens: 10 })
    expect(Number(second.headers.get('x-ratelimit-remaining-tokens'))).toBeLessThanOrEqual(100 - 60 - 10)
    const third = await ask({ max_tokens: 10 })
    expect(third.status).toBe(429)
    // The wait covers 20 tokens of debt and the call's own tokens, at 100 tokens per minute.
    expect(Number(third.headers.get('retry-after-ms'))).toBeGreaterThan(18_000)
  })

  it('takes at most the whole limit for a larger estimate', async () => {
    const { ask } = await start({ limits: { tpm: 100 } })
    expect((await ask({ max_tokens: 100_000 })).status).toBe(200)
    expect((await ask({ max_tokens: 100_000 })).status).toBe(429)
    expect((await ask({ max_tokens: 1 })).status).toBe(200)
  })

  it('does not count the Base64 of an image as text', async () => {
    const url = `data:image/png;base64,${Buffer.from(Array.from({ length: 720_000 }, (_, index) => (index * 7919) >> 3)).toString('base64')}`
    const content = [{ type: 'image_url', image_url: { url } }]
    const { ask } = await start({ limits: { tpm: 10_000 } })
    const answer = await ask({ max_tokens: 10, messages: [{ role: 'user', content }] })
    expect(Number(answer.headers.get('x-ratelimit-remaining-tokens'))).toBeGreaterThan(5000)
  })

  it('returns all tokens when the upstream fails', async () => {
    const { ask } = await start({ limits: { tpm: 100 }, health: { failures: 99 } }, answerError(500, 'broken'))
    for (let index = 0; index < 5; index++) expect((await ask({ max_tokens: 60 })).status).toBe(500)
  })

  it('requests usage for a stream, and hides it from a client that did not', async () => {
    const { ask, upstream } = await start({ limits: { tpm: 100 } }, answerStream(streamed('a', 'b', 'c')))
    const text = await (await ask({ stream: true, max_tokens: 50 })).text()
    expect(text).not.toContain('"prompt_tokens"')
    expect(text).toContain('[DONE]')
    expect(JSON.parse(upstream.seen[0]?.body ?? '')).toMatchObject({ stream_options: { include_usage: true } })
    const next = await ask({ max_tokens: 1 })
    expect(Number(next.headers.get('x-ratelimit-remaining-tokens'))).toBeGreaterThanOrEqual(100 - 8 - 30)
  })
})

describe('concurrent calls', () => {
  const hanging: Script = async (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of streamed('a', 'b').slice(0, 2)) res.write(piece)
  }

  it('occupies a slot until the last byte', async () => {
    const { ask } = await start({ limits: { concurrency: 1 } }, answerStream(streamed('a', 'b', 'c'), 20))
    const first = await ask({ stream: true })
    const second = await ask({ stream: true })
    expect(second.status).toBe(429)
    expect(second.headers.get('retry-after')).toBe('1')
    await first.text()
    const third = await ask({ stream: true })
    expect(third.status).toBe(200)
    await third.text()
  })

  it('frees the slot when the client disconnects before or after the first output', async () => {
    const { ask, upstream } = await start({ limits: { concurrency: 1 } }, hanging)
    for (let turn = 0; turn < 3; turn++) {
      const abortController = new AbortController()
      const answer = await ask({ stream: true }, { signal: abortController.signal })
      expect(answer.status).toBe(200)
      abortController.abort()
      await answer.text().catch(() => undefined)
    }
    upstream.script = () => undefined
    const abortController = new AbortController()
    const pending = ask({}, { signal: abortController.signal }).catch(() => undefined)
    await expect.poll(() => upstream.seen.length).toBe(4)
    abortController.abort()
    await pending
    upstream.script = answerJson(completion('hello'))
    expect((await ask()).status).toBe(200)
  })

  it('frees the slot when the upstream fails or a plugin refuses', async () => {
    const { ask } = await start(
      {
        limits: { concurrency: 1 },
        plugins: [
          {
            admitted({ model }) {
              if (model === 'up/refused') throw new Error('no')
            },
          },
        ],
      },
      answerError(503, 'down'),
    )
    for (let turn = 0; turn < 2; turn++) expect((await ask()).status).toBe(503)
    for (let turn = 0; turn < 3; turn++) expect((await ask({ model: 'up/refused' })).status).toBe(500)
  })
})
