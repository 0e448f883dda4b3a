import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { ConfigInput } from '../src/index.js'
import { Cleanup } from './cleanup.js'
import { type ServedRelay, serve, writeFileFor } from './command-line.js'
import { describeWithPostgres } from './postgres-server.js'
import { describeWithRedis } from './redis-server.js'
import { answerJson, completion, type Script, startUpstream } from './scripted-upstream.js'
import { testRelay } from './test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const KEY = 'sk-caller-00000001'
const OUTPUT_NANOS = 20_000
const slowAnswer: Script = (req, res, seen) =>
  void setTimeout(() => void answerJson(completion('hello'))(req, res, seen), 50)

/** A config file for a scripted upstream. The database is in the same folder. */
async function writeConfig(more: Partial<ConfigInput> & { sql?: (folder: string) => string }, script?: Script) {
  const upstream = cleanup.add(await startUpstream(script))
  const { sql = (folder) => `sqlite:${join(folder, 'relay.db')}`, ...rest } = more
  const placeholder = await writeFileFor('relay.json', '{}')
  const address = sql(dirname(placeholder))
  const config: ConfigInput = {
    providers: { up: { type: 'openai-compatible', baseURL: upstream.baseURL } },
    prices: { '*': { input: 0, output: 10 } },
    keys: [{ id: 'alice', key: KEY, budget: { usd: 1 } }],
    ...rest,
    store: { sql: address, leaseMs: 1000, ...rest.store },
  }
  return { file: await writeFileFor('relay.json', config), address, upstream }
}

function ask({ baseURL }: ServedRelay): Promise<Response> {
  const body = JSON.stringify({ model: 'up/m', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] })
  return fetch(`${baseURL}/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${KEY}` }, body })
}

/** What the database says of alice, read by another relay. */
async function readAccount(sql: string) {
  const relay = cleanup.add(
    testRelay({ providers: { up: { type: 'openai-compatible', baseURL: 'http://127.0.0.1:9' } }, store: { sql } }),
  )
  const { spent, held } = await relay.balance('key:alice')
  const records = (await relay.usage?.query({ callerId: 'alice' }, 10_000)) ?? []
  const charged = records.reduce((sum, { costNanos = 0 }) => sum + costNanos, 0)
  return { spent, held, charged, calls: records.length }
}

describe('a standalone relay with a database', () => {
  const suite = (name: string, sql?: () => string): void => {
    const place = sql && { sql }

    it(`${name}: loses no record and no money at SIGTERM, with running calls`, async () => {
      const { file, address } = await writeConfig({ ...place }, slowAnswer)
      const served = await serve(['--config', file])
      const early = await Promise.all(Array.from({ length: 20 }, () => ask(served)))
      const late = Array.from({ length: 10 }, () => ask(served))
      await new Promise((resolve) => setTimeout(resolve, 20))
      const ended = await served.end()
      const statuses = [...early, ...(await Promise.all(late))].map(({ status }) => status)
      expect(ended.code).toBe(0)
      expect(new Set(statuses)).toEqual(new Set([200]))
      const { spent, held, charged, calls } = await readAccount(address)
      expect({ calls, held }).toEqual({ calls: 30, held: 0 })
      expect([spent, charged]).toEqual([30 * OUTPUT_NANOS, 30 * OUTPUT_NANOS])
    })

    it(`${name}: loses at SIGKILL only what was not written yet, and stays consistent`, async () => {
      const { file, address } = await writeConfig({ ...place }, slowAnswer)
      const served = await serve(['--config', file])
      const before = sql ? await readAccount(address) : { spent: 0, charged: 0, calls: 0 }
      await Promise.all(Array.from({ length: 20 }, () => ask(served)))
      await new Promise((resolve) => setTimeout(resolve, 200))
      const late = Array.from({ length: 10 }, () => ask(served).catch(() => undefined))
      await new Promise((resolve) => setTimeout(resolve, 20))
      await served.end('SIGKILL')
      await Promise.all(late)
      // The next process frees what the dead one had reserved, when its lease has expired.
      await new Promise((resolve) => setTimeout(resolve, 1200))
      const again = await serve(['--config', file])
      expect((await ask(again)).status).toBe(200)
      await again.end()
      const { spent, held, charged, calls } = await readAccount(address)
      expect(held).toBe(0)
      expect(spent).toBe(charged)
      expect(calls - before.calls).toBe(21)
    })
  }

  suite('SQLite')
  describeWithPostgres('PostgreSQL', (server) => suite('PostgreSQL', () => server.url))

  it('reports in one line what it cannot open, without the password', async () => {
    const { file } = await writeConfig({ sql: () => 'postgres://relay:secret-word@127.0.0.1:1/relay' })
    await expect(serve(['--config', file])).rejects.toThrow(/store: cannot be opened/)
    await expect(serve(['--config', file])).rejects.not.toThrow(/secret-word/)
  })
})

describeWithRedis('standalone relays with one Redis', (server) => {
  it('share a limit and a budget', async () => {
    const store = { redis: server.url, prefix: `{cli-${process.pid}}:` }
    const { file } = await writeConfig({
      store,
      keys: [{ id: 'alice', key: KEY, limits: { rpm: 10 }, budget: { usd: 1 } }],
    })
    const both = await Promise.all([serve(['--config', file]), serve(['--config', file])])
    const answers = await Promise.all(both.flatMap((served) => Array.from({ length: 20 }, () => ask(served))))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30)
    expect((await Promise.all(both.map((served) => served.end()))).map(({ code }) => code)).toEqual([0, 0])
  })
})
