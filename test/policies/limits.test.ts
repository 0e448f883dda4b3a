import OpenAI from 'openai'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { fetchRelay } from '../../adapters/fetch.js'
import type { ConfigInput, RelayOptions, UsageRecord } from '../../src/index.js'
import { Cleanup, KEY, testRelay } from '../mounts.js'
import { answerError, answerJson, answerStream, completion, type Script, startUpstream, streamed } from '../upstream.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const QUESTION = { model: 'up/test', messages: [{ role: 'user', content: 'hi' }] }

/** A relay in front of a scripted upstream, and what it takes to ask it. */
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

describe('requests a minute', () => {
  it('HC-153: of a hundred at once exactly the allowed number pass, and the refused cost nothing', async () => {
    const { ask, upstream, records } = await start({ limits: { rpm: 10 } })
    const all = await statuses(Array.from({ length: 100 }, () => ask()))
    expect(countOf(all, 200)).toBe(10)
    expect(countOf(all, 429)).toBe(90)
    expect(upstream.seen).toHaveLength(10)
    expect(records).toHaveLength(100)
    expect(records.filter(({ costNanos }) => costNanos === 0)).toHaveLength(90)
  })

  it('tells how the limit stands in OpenAI’s formats, and when to come back to the millisecond', async () => {
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

  it('lets the next one pass when it said so, and not before', async () => {
    const { ask } = await start({ limits: { rpm: 600 } })
    await statuses(Array.from({ length: 600 }, () => ask()))
    const refused = await ask()
    const waitMs = Number(refused.headers.get('retry-after-ms'))
    expect(waitMs).toBeLessThanOrEqual(100)
    await new Promise((resolve) => setTimeout(resolve, waitMs + 2))
    expect((await ask()).status).toBe(200)
  })

  it('HC-154: is neither opened nor jammed when the wall clock jumps', async () => {
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
  ])('refuses in the language of %s', async (path, more, word) => {
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

  it('is waited for by OpenAI’s own client, which reads retry-after-ms', async () => {
    const { fetch } = await start({ limits: { rpm: 600 } })
    const client = new OpenAI({ baseURL: 'http://relay/v1', apiKey: KEY, fetch, maxRetries: 2 })
    const all = Array.from({ length: 602 }, () => client.chat.completions.create(QUESTION as never))
    expect(await Promise.all(all)).toHaveLength(602)
  })
})

describe('whose limits', () => {
  const KEYS: ConfigInput['keys'] = [
    { id: 'a', key: 'sk-aaaaaaaa', group: 'g' },
    { id: 'b', key: 'sk-bbbbbbbb', group: 'g' },
    { id: 'c', key: 'sk-cccccccc', limits: { rpm: 5 } },
  ]

  it('counts each key for itself', async () => {
    const { ask } = await start({ keys: KEYS, groups: { g: {} }, limits: { rpm: 2 } })
    for (const key of ['sk-aaaaaaaa', 'sk-bbbbbbbb'])
      expect(await statuses([1, 2, 3].map(() => ask({}, { key })))).toEqual([200, 200, 429])
    expect(countOf(await statuses([1, 2, 3, 4, 5, 6].map(() => ask({}, { key: 'sk-cccccccc' }))), 200)).toBe(5)
  })

  it('counts a group as one, and its own limit stands over the default of its keys', async () => {
    const { ask } = await start({ keys: KEYS, groups: { g: { limits: { rpm: 3 } } }, limits: { rpm: 2 } })
    expect(await statuses([1, 2].map(() => ask({}, { key: 'sk-aaaaaaaa' })))).toEqual([200, 200])
    expect(await statuses([1, 2].map(() => ask({}, { key: 'sk-bbbbbbbb' })))).toEqual([200, 429])
  })

  it('counts a key at one model, and all callers together', async () => {
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

  it('takes nothing of the other limits when one of them refuses', async () => {
    const { ask } = await start({
      keys: KEYS,
      groups: { g: {} },
      limits: { rpm: 3, models: { 'up/dear': { rpm: 1 } } },
    })
    const dear = () => ask({ model: 'up/dear' }, { key: 'sk-aaaaaaaa' })
    expect(await statuses([dear(), dear(), dear(), dear()])).toEqual([200, 429, 429, 429])
    expect(await statuses([1, 2, 3].map(() => ask({}, { key: 'sk-aaaaaaaa' })))).toEqual([200, 200, 429])
  })

  it('takes the limits of a caller that the host has named', async () => {
    const { ask } = await start({ authenticate: () => ({ id: 'session-user', limits: { rpm: 1 } }) })
    expect(await statuses([ask(), ask()])).toEqual([200, 429])
  })
})

describe('tokens a minute', () => {
  it('sets the estimate aside, gives back what was not used, and keeps what was used too much as a debt', async () => {
    const usage = { prompt_tokens: 5, completion_tokens: 55, total_tokens: 60 }
    const { ask } = await start({ limits: { tpm: 100 } }, answerJson(completion('hello', usage)))
    const first = await ask({ max_tokens: 10 })
    expect(first.status).toBe(200)
    const second = await ask({ max_tokens: 10 })
    expect(Number(second.headers.get('x-ratelimit-remaining-tokens'))).toBeLessThanOrEqual(100 - 60 - 10)
    const third = await ask({ max_tokens: 10 })
    expect(third.status).toBe(429)
    // Twenty tokens of debt, and what the call wants: paid at a hundred a minute.
    expect(Number(third.headers.get('retry-after-ms'))).toBeGreaterThan(18_000)
  })

  it('an estimate beyond the whole limit wants all of it, and no more', async () => {
    const { ask } = await start({ limits: { tpm: 100 } })
    expect((await ask({ max_tokens: 100_000 })).status).toBe(200)
    expect((await ask({ max_tokens: 100_000 })).status).toBe(429)
    expect((await ask({ max_tokens: 1 })).status).toBe(200)
  })

  it('does not take a picture’s letters for words', async () => {
    const url = `data:image/png;base64,${Buffer.from(Array.from({ length: 720_000 }, (_, index) => (index * 7919) >> 3)).toString('base64')}`
    const content = [{ type: 'image_url', image_url: { url } }]
    const { ask } = await start({ limits: { tpm: 10_000 } })
    const answer = await ask({ max_tokens: 10, messages: [{ role: 'user', content }] })
    expect(Number(answer.headers.get('x-ratelimit-remaining-tokens'))).toBeGreaterThan(5000)
  })

  it('gives all back when the upstream has failed', async () => {
    const { ask } = await start({ limits: { tpm: 100 }, health: { failures: 99 } }, answerError(500, 'broken'))
    for (let index = 0; index < 5; index++) expect((await ask({ max_tokens: 60 })).status).toBe(500)
  })

  it('counts a stream whose caller did not ask for usage, and keeps that from it', async () => {
    const { ask, upstream } = await start({ limits: { tpm: 100 } }, answerStream(streamed('a', 'b', 'c')))
    const text = await (await ask({ stream: true, max_tokens: 50 })).text()
    expect(text).not.toContain('"prompt_tokens"')
    expect(text).toContain('[DONE]')
    expect(JSON.parse(upstream.seen[0]?.body ?? '')).toMatchObject({ stream_options: { include_usage: true } })
    const next = await ask({ max_tokens: 1 })
    expect(Number(next.headers.get('x-ratelimit-remaining-tokens'))).toBeGreaterThanOrEqual(100 - 8 - 30)
  })
})

describe('calls at a time', () => {
  const hanging: Script = async (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of streamed('a', 'b').slice(0, 2)) res.write(piece)
  }

  it('holds a place until the last byte', async () => {
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

  it('gives the place back when the client leaves, before and after the first word', async () => {
    const { ask, upstream } = await start({ limits: { concurrency: 1 } }, hanging)
    for (let turn = 0; turn < 3; turn++) {
      const leaving = new AbortController()
      const answer = await ask({ stream: true }, { signal: leaving.signal })
      expect(answer.status).toBe(200)
      leaving.abort()
      await answer.text().catch(() => undefined)
    }
    upstream.script = () => undefined
    const leaving = new AbortController()
    const pending = ask({}, { signal: leaving.signal }).catch(() => undefined)
    await expect.poll(() => upstream.seen.length).toBe(4)
    leaving.abort()
    await pending
    upstream.script = answerJson(completion('hello'))
    expect((await ask()).status).toBe(200)
  })

  it('gives the place back when the upstream fails, and when a plugin refuses', async () => {
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
