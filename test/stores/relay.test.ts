import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { fetchRelay } from '../../adapters/fetch.js'
import type { Relay, RelayOptions } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { describeWithPostgres } from '../postgres-server.js'
import { describeWithRedis } from '../redis-server.js'
import { answerJson, completion, type Script, startUpstream } from '../scripted-upstream.js'
import { KEY, testRelay } from '../test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const QUESTION = { model: 'up/test', max_tokens: 100, temperature: 0, messages: [{ role: 'user', content: 'hi' }] }
const slowAnswer: Script = (req, res, seen) =>
  void setTimeout(() => void answerJson(completion('hello'))(req, res, seen), 30)

interface Started {
  readonly relay: Relay
  readonly messages: string[]
  ask(body?: object, headers?: Record<string, string>): Promise<Response>
}

/** Several relays in front of one upstream, to play several processes. */
async function start(count: number, options: Partial<RelayOptions>, script: Script = answerJson(completion('hello'))) {
  const upstream = cleanup.add(await startUpstream(script))
  const relays = Array.from({ length: count }, (): Started => {
    const messages: string[] = []
    const log = (_details: object, message: string): void => void messages.push(message)
    const relay = cleanup.add(
      testRelay({
        providers: { up: { type: 'openai-compatible', baseURL: upstream.baseURL } },
        retry: { attempts: 1 },
        prices: { '*': { input: 0, output: 1000 } },
        keys: [{ id: 'alice', key: KEY, budget: { usd: 1 } }],
        logger: { info: log, warn: log, error: log },
        shutdownMs: 2000,
        ...options,
      }),
    )
    const fetch = fetchRelay(relay)
    return {
      relay,
      messages,
      ask: (body = {}, headers = {}) =>
        fetch('http://relay/v1/chat/completions', {
          method: 'POST',
          headers: { authorization: `Bearer ${KEY}`, ...headers },
          body: JSON.stringify({ ...QUESTION, ...body }),
        }),
    }
  })
  return { upstream, relays: relays as [Started, ...Started[]] }
}

let uniqueNumber = 0
const uniquePrefix = (): { prefix: string } => ({ prefix: `{test-${process.pid}-${uniqueNumber++}}:` })
const countOf = (answers: readonly Response[], status: number): number =>
  answers.filter((answer) => answer.status === status).length

describeWithRedis('relays that share Redis', (server) => {
  it('share a limit and a budget', async () => {
    const { relays } = await start(2, {
      store: { redis: server.url, ...uniquePrefix() },
      keys: [{ id: 'alice', key: KEY, limits: { rpm: 30 }, budget: { usd: 2 } }],
    })
    await Promise.all(relays.map(({ relay }) => relay.ready()))
    const answers = await Promise.all(relays.flatMap(({ ask }) => Array.from({ length: 40 }, () => ask())))
    expect(countOf(answers, 200) + countOf(answers, 429)).toBe(80)
    expect(countOf(answers, 200)).toBeLessThanOrEqual(30)
    // A call that the budget refuses gives back what it took from the limit, so a later call may have passed.
    await expect.poll(() => relays[0].relay.balance('key:alice')).toMatchObject({ held: 0 })
    const { spent } = await relays[0].relay.balance('key:alice')
    expect(spent).toBe(countOf(answers, 200) * 2_000_000)
  })

  it('share a cache', async () => {
    const { relays, upstream } = await start(2, { store: { redis: server.url, ...uniquePrefix() }, cache: {} })
    const first = await (await relays[0].ask()).text()
    await expect
      .poll(async () => {
        const answer = await (relays[1] as Started).ask()
        return [answer.headers.get('x-modelmount-cache'), await answer.text()]
      })
      .toEqual(['hit', first])
    expect(upstream.seen.length).toBeLessThanOrEqual(2)
  })

  it('run a request with an idempotency key once, in whichever relay it arrives', async () => {
    const { relays, upstream } = await start(2, { store: { redis: server.url, ...uniquePrefix() } }, slowAnswer)
    await Promise.all(relays.map(({ relay }) => relay.ready()))
    const ask = ({ ask }: Started): Promise<Response> => ask({}, { 'idempotency-key': 'k1' })
    const both = await Promise.all(relays.map(ask))
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
    expect(both.find(({ status }) => status === 409)?.headers.get('retry-after')).toBe('1')
    await expect.poll(async () => (await Promise.all(relays.map(ask))).map(({ status }) => status)).toEqual([200, 200])
    expect(upstream.seen).toHaveLength(1)
  })

  it('share cooldowns', async () => {
    const { relays, upstream } = await start(2, {
      store: { redis: server.url, ...uniquePrefix() },
      health: { failures: 1 },
    })
    upstream.script = answerJson({ error: { message: 'down' } }, 500)
    expect((await relays[1]?.ask())?.status).toBe(500)
    upstream.script = answerJson(completion('recovered'))
    // A call to another model makes the relay read the shared cooldowns.
    expect((await relays[0].ask({ model: 'up/other' })).status).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await relays[0].ask()).status).toBe(503)
  })

  it('use local limits after one short wait when Redis dies, and use Redis again when it is back', async () => {
    const { relays, upstream } = await start(1, {
      store: { redis: server.url, timeoutMs: 200, ...uniquePrefix() },
      keys: [{ id: 'alice', key: KEY, limits: { rpm: 5, concurrency: 3 } }],
    })
    const [{ ask, messages }] = relays
    expect((await ask()).status).toBe(200)
    await server.stop()
    const startedAt = performance.now()
    const answers = []
    for (let turn = 0; turn < 8; turn++) answers.push(await ask())
    expect(performance.now() - startedAt).toBeLessThan(1500)
    expect(countOf(answers, 200)).toBe(5)
    expect(countOf(answers, 429)).toBe(3)
    expect(messages.filter((message) => message === 'a store does not answer')).toHaveLength(1)
    await server.start()
    await expect
      .poll(async () => [(await ask()).status, messages.at(-1)], { timeout: 8000, interval: 200 })
      .toEqual([200, 'a store answers again'])
    expect(upstream.seen.length).toBeGreaterThanOrEqual(7)
  })

  it('refuse calls during an outage if the config says so, and by default if the call has a budget', async () => {
    const store = { redis: server.url, timeoutMs: 100, ...uniquePrefix() }
    const limited = await start(1, {
      store,
      onStoreError: { limits: 'refuse' },
      keys: [{ id: 'alice', key: KEY, limits: { rpm: 5 } }],
    })
    const budgeted = await start(1, { store })
    const allowing = await start(1, { store, onStoreError: { budget: 'allow' } })
    const all = [limited, budgeted, allowing].map(({ relays }) => relays[0])
    for (const { ask } of all) expect((await ask()).status).toBe(200)
    await server.stop()
    const answers = await Promise.all(all.map(({ ask }) => ask()))
    await server.start()
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 200])
    expect(answers[0]?.headers.get('retry-after')).toBe('1')
    // The call during the outage is charged. The restarted server has lost the first charge, unless that came later.
    const spent = async () => (await allowing.relays[0].relay.balance('key:alice').catch(() => undefined))?.spent
    await expect.poll(spent, { timeout: 8000 }).toBeGreaterThanOrEqual(2_000_000)
    expect([2_000_000, 4_000_000]).toContain(await spent())
  })
})

describe('relays that share a database', () => {
  const suite = (name: string, open: () => string): void => {
    it(`${name}: keep budgets and usage records after the relay has closed, and both agree`, async () => {
      const store = { sql: open() }
      const first = await start(2, { store })
      await Promise.all(first.relays.map(({ relay }) => relay.ready()))
      const answers = await Promise.all(first.relays.flatMap(({ ask }) => Array.from({ length: 30 }, () => ask())))
      expect(countOf(answers, 200)).toBeGreaterThan(0)
      expect(countOf(answers, 503)).toBe(0)
      await Promise.all(first.relays.map(({ relay }) => relay.close()))
      const [{ relay }] = (await start(1, { store })).relays
      const { spent, held } = await relay.balance('key:alice')
      expect([spent, held]).toEqual([countOf(answers, 200) * 2_000_000, 0])
      const sums = (await relay.usage?.sums('day', { callerId: 'alice' })) ?? []
      expect(sums.reduce((sum, { costNanos }) => sum + costNanos, 0)).toBe(spent)
      expect(sums.reduce((sum, { calls }) => sum + calls, 0)).toBe(60)
      const records = (await relay.usage?.query({ model: 'up/test' })) ?? []
      expect(records).toHaveLength(60)
    })
  }

  const folder = mkdtempSync(join(tmpdir(), 'modelmount-relay-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  suite('SQLite', () => `sqlite:${join(folder, 'relay.db')}`)
  describeWithPostgres('PostgreSQL', (server) => suite('PostgreSQL', () => server.url))

  it('report that it cannot be opened, and refuse calls with a budget', async () => {
    const store = { sql: `sqlite:${join(folder, 'no', 'such', 'folder', 'relay.db')}` }
    const [{ relay, ask }] = (await start(1, { store })).relays
    await expect(relay.ready()).rejects.toThrow()
    expect((await ask()).status).toBe(503)
  })
})
