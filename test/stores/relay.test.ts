import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { fetchRelay } from '../../adapters/fetch.js'
import type { Relay, RelayOptions } from '../../src/index.js'
import { Cleanup, KEY, testRelay } from '../mounts.js'
import { describeWithPostgres } from '../postgres-server.js'
import { describeWithRedis } from '../redis-server.js'
import { answerJson, completion, type Script, startUpstream } from '../upstream.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const QUESTION = { model: 'up/test', max_tokens: 100, temperature: 0, messages: [{ role: 'user', content: 'hi' }] }
const slow: Script = (req, res, seen) => void setTimeout(() => void answerJson(completion('hello'))(req, res, seen), 30)

interface Started {
  readonly relay: Relay
  readonly messages: string[]
  ask(body?: object, headers?: Record<string, string>): Promise<Response>
}

/** Several relays, as in several processes, before one upstream. */
async function start(count: number, options: Partial<RelayOptions>, script: Script = answerJson(completion('hello'))) {
  const upstream = cleanup.add(await startUpstream(script))
  const relays = Array.from({ length: count }, (): Started => {
    const messages: string[] = []
    const hear = (_details: object, message: string): void => void messages.push(message)
    const relay = cleanup.add(
      testRelay({
        providers: { up: { type: 'openai-compatible', baseURL: upstream.baseURL } },
        retry: { attempts: 1 },
        prices: { '*': { input: 0, output: 1000 } },
        keys: [{ id: 'alice', key: KEY, budget: { usd: 1 } }],
        logger: { info: hear, warn: hear, error: hear },
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

let databases = 0
const fresh = (): { prefix: string } => ({ prefix: `{test-${process.pid}-${databases++}}:` })
const counted = (answers: readonly Response[], status: number): number =>
  answers.filter((answer) => answer.status === status).length

describeWithRedis('relays that share Redis', (server) => {
  it('let pass together what one limit allows, and share what is left of a budget', async () => {
    const { relays } = await start(2, {
      store: { redis: server.url, ...fresh() },
      keys: [{ id: 'alice', key: KEY, limits: { rpm: 30 }, budget: { usd: 2 } }],
    })
    await Promise.all(relays.map(({ relay }) => relay.ready()))
    const answers = await Promise.all(relays.flatMap(({ ask }) => Array.from({ length: 40 }, () => ask())))
    expect(counted(answers, 200) + counted(answers, 429)).toBe(80)
    expect(counted(answers, 200)).toBeLessThanOrEqual(30)
    // What a refused budget had taken of the limit comes back, so later ones may have passed: money is the tighter one.
    await expect.poll(() => relays[0].relay.balance('key:alice')).toMatchObject({ held: 0 })
    const { spent } = await relays[0].relay.balance('key:alice')
    expect(spent).toBe(counted(answers, 200) * 2_000_000)
  })

  it('answer each other’s callers from one cache', async () => {
    const { relays, upstream } = await start(2, { store: { redis: server.url, ...fresh() }, cache: {} })
    const first = await (await relays[0].ask()).text()
    await expect
      .poll(async () => {
        const answer = await (relays[1] as Started).ask()
        return [answer.headers.get('x-modelmount-cache'), await answer.text()]
      })
      .toEqual(['hit', first])
    expect(upstream.seen.length).toBeLessThanOrEqual(2)
  })

  it('run a request with one idempotency key once, wherever it comes in', async () => {
    const { relays, upstream } = await start(2, { store: { redis: server.url, ...fresh() } }, slow)
    await Promise.all(relays.map(({ relay }) => relay.ready()))
    const ask = ({ ask }: Started): Promise<Response> => ask({}, { 'idempotency-key': 'k1' })
    const both = await Promise.all(relays.map(ask))
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
    expect(both.find(({ status }) => status === 409)?.headers.get('retry-after')).toBe('1')
    await expect.poll(async () => (await Promise.all(relays.map(ask))).map(({ status }) => status)).toEqual([200, 200])
    expect(upstream.seen).toHaveLength(1)
  })

  it('leave alone what another has found broken', async () => {
    const { relays, upstream } = await start(2, { store: { redis: server.url, ...fresh() }, health: { failures: 1 } })
    upstream.script = answerJson({ error: { message: 'down' } }, 500)
    expect((await relays[1]?.ask())?.status).toBe(500)
    upstream.script = answerJson(completion('well'))
    // Another model: with its calls the news comes.
    expect((await relays[0].ask({ model: 'up/other' })).status).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await relays[0].ask()).status).toBe(503)
  })

  it('go on with limits of their own when it dies, after one short wait, and come back to it by themselves', async () => {
    const { relays, upstream } = await start(1, {
      store: { redis: server.url, timeoutMs: 200, ...fresh() },
      keys: [{ id: 'alice', key: KEY, limits: { rpm: 5, concurrency: 3 } }],
    })
    const [{ ask, messages }] = relays
    expect((await ask()).status).toBe(200)
    await server.stop()
    const from = performance.now()
    const answers = []
    for (let turn = 0; turn < 8; turn++) answers.push(await ask())
    expect(performance.now() - from).toBeLessThan(1500)
    expect(counted(answers, 200)).toBe(5)
    expect(counted(answers, 429)).toBe(3)
    expect(messages.filter((message) => message === 'a store does not answer')).toHaveLength(1)
    await server.start()
    await expect
      .poll(async () => [(await ask()).status, messages.at(-1)], { timeout: 8000, interval: 200 })
      .toEqual([200, 'a store answers again'])
    expect(upstream.seen.length).toBeGreaterThanOrEqual(7)
  })

  it('refuse when they are told to, and refuse to spend what they cannot count', async () => {
    const store = { redis: server.url, timeoutMs: 100, ...fresh() }
    const limited = await start(1, {
      store,
      onStoreError: { limits: 'refuse' },
      keys: [{ id: 'alice', key: KEY, limits: { rpm: 5 } }],
    })
    const budgeted = await start(1, { store })
    const bold = await start(1, { store, onStoreError: { budget: 'allow' } })
    const all = [limited, budgeted, bold].map(({ relays }) => relays[0])
    for (const { ask } of all) expect((await ask()).status).toBe(200)
    await server.stop()
    const answers = await Promise.all(all.map(({ ask }) => ask()))
    await server.start()
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 200])
    expect(answers[0]?.headers.get('retry-after')).toBe('1')
    // What was spent meanwhile is charged. The server has lost what it knew before, unless that had not been told yet.
    const told = async () => (await bold.relays[0].relay.balance('key:alice').catch(() => undefined))?.spent
    await expect.poll(told, { timeout: 8000 }).toBeGreaterThanOrEqual(2_000_000)
    expect([2_000_000, 4_000_000]).toContain(await told())
  })
})

describe('relays that share a database', () => {
  const suite = (name: string, open: () => string): void => {
    it(`${name}: budgets and records outlive the relay, and agree`, async () => {
      const store = { sql: open() }
      const first = await start(2, { store })
      await Promise.all(first.relays.map(({ relay }) => relay.ready()))
      const answers = await Promise.all(first.relays.flatMap(({ ask }) => Array.from({ length: 30 }, () => ask())))
      expect(counted(answers, 200)).toBeGreaterThan(0)
      expect(counted(answers, 503)).toBe(0)
      await Promise.all(first.relays.map(({ relay }) => relay.close()))
      const [{ relay }] = (await start(1, { store })).relays
      const { spent, held } = await relay.balance('key:alice')
      expect([spent, held]).toEqual([counted(answers, 200) * 2_000_000, 0])
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

  it('are told in one line when it cannot be opened, and do without it as they are told', async () => {
    const store = { sql: `sqlite:${join(folder, 'no', 'such', 'folder', 'relay.db')}` }
    const [{ relay, ask }] = (await start(1, { store })).relays
    await expect(relay.ready()).rejects.toThrow()
    expect((await ask()).status).toBe(503)
  })
})
