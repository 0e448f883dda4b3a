import { createServer } from 'node:http'
import OpenAI, { toFile } from 'openai'
import { afterEach, expect, it } from 'vitest'
import { expressRelay } from '../../adapters/express.js'
import { nodeRelay } from '../../adapters/node.js'
import { passthroughRelay } from '../../adapters/passthrough.js'
import type { RelayOptions, UsageRecord } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { listen } from '../listen.js'
import { express5 } from '../mounts.js'
import { answerError, answerJson, type Script, startUpstream } from '../scripted-upstream.js'
import { KEY, testRelay } from '../test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const FILE = { id: 'file-1', object: 'file', bytes: 3, filename: 'a.jsonl', purpose: 'batch' }

async function start(script: Script = answerJson(FILE), more: Partial<RelayOptions> = {}) {
  const upstream = cleanup.add(await startUpstream(script))
  const other = cleanup.add(await startUpstream(answerJson({ ...FILE, id: 'other' })))
  const records: UsageRecord[] = []
  const place = (baseURL: string) => ({ type: 'openai-compatible', baseURL, apiKey: 'sk-upstream-secret' })
  const relay = cleanup.add(
    testRelay({
      providers: { up: place(upstream.baseURL), other: place(other.baseURL) },
      forward: { files: ['up', 'other'], batches: 'up' },
      plugins: [{ done: (record) => void records.push(record) }],
      ...more,
    }),
  )
  const [forward, rest] = [passthroughRelay(relay), nodeRelay(relay)]
  const { baseURL } = cleanup.add(await listen(createServer((req, res) => forward(req, res, () => rest(req, res)))))
  const ask = (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) =>
    fetch(baseURL + path, { ...init, headers: { authorization: `Bearer ${KEY}`, ...init.headers } })
  return { upstream, other, relay, records, baseURL, ask, openai: new OpenAI({ baseURL, apiKey: KEY, maxRetries: 0 }) }
}

it("sends files unchanged, with the provider's key", async () => {
  const { openai, upstream, records } = await start()
  const file = await openai.files.create({ file: await toFile(Buffer.from('{}\n'), 'a.jsonl'), purpose: 'batch' })
  expect(file.id).toBe('file-1')
  expect(upstream.seen[0]).toMatchObject({ method: 'POST', url: '/v1/files' })
  expect(upstream.seen[0]?.headers.authorization).toBe('Bearer sk-upstream-secret')
  expect(upstream.seen[0]?.body).toContain('name="purpose"\r\n\r\nbatch')
  expect(JSON.stringify(upstream.seen[0]?.headers)).not.toContain(KEY)
  expect(Object.keys(upstream.seen[0]?.headers ?? {})).not.toContain('x-stainless-lang')
  await expect
    .poll(() => records)
    .toMatchObject([
      { operation: 'forward', model: 'files', target: 'up/files', status: 200, outcome: 'complete', costNanos: 0 },
    ])
})

it('passes paths and queries on, without the client’s key', async () => {
  const { ask, upstream } = await start()
  await ask('/files/file-1/content?limit=3&key=sk-secret')
  await ask('/batches')
  expect(upstream.seen.map(({ url }) => url)).toEqual(['/v1/files/file-1/content?limit=3', '/v1/batches'])
})

it('lets the client choose a configured provider, and no other', async () => {
  const { ask, other } = await start()
  const chosen = await ask('/files', { headers: { 'x-modelmount-provider': 'other' } })
  expect(await chosen.json()).toMatchObject({ id: 'other' })
  expect(chosen.headers.get('x-modelmount-target')).toBe('other/files')
  expect(other.seen).toHaveLength(1)
  expect((await ask('/files', { headers: { 'x-modelmount-provider': 'elsewhere' } })).status).toBe(404)
  expect((await ask('/batches', { headers: { 'x-modelmount-provider': 'other' } })).status).toBe(404)
})

it.each([
  '/files/../../admin',
  '/files/%2e%2e/%2e%2e/admin',
  '/files/..%2f..%2fadmin',
  '/files/\\..\\admin',
  '/fine_tuning/jobs',
])('answers 404 for another path: %s', async (path) => {
  const { baseURL, upstream } = await start()
  const { port } = new URL(baseURL)
  const { request } = await import('node:http')
  const status = await new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${KEY}` }
    const outgoing = request({ port, host: '127.0.0.1', path: `/v1${path}`, headers }, (res) =>
      resolve(res.resume().statusCode),
    )
    outgoing.on('error', reject).end()
  })
  expect(status).toBe(404)
  expect(upstream.seen).toHaveLength(0)
})

it('streams the response without buffering', async () => {
  const { ask } = await start((req, res) => {
    void req
    res.writeHead(200, { 'content-type': 'application/octet-stream', 'set-cookie': 'secret=1' })
    res.write('first')
    setTimeout(() => res.end(' last'), 100)
  })
  const answer = await ask('/files/file-1/content')
  expect(answer.headers.get('set-cookie')).toBe(null)
  const reader = answer.body?.getReader()
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('first')
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(' last')
})

it('refuses wrong keys, exceeded limits and budgets before it sends anything', async () => {
  const { ask, upstream, records } = await start(undefined, {
    keys: [
      { id: 'alice', key: KEY, limits: { rpm: 1 } },
      { id: 'bob', key: 'sk-bob-00000001', budget: { usd: 1 } },
    ],
  })
  expect((await ask('/files', { headers: { authorization: 'Bearer sk-wrong' } })).status).toBe(401)
  const allowed = await ask('/files')
  expect([allowed.status, allowed.headers.get('x-ratelimit-remaining-requests')]).toEqual([200, '0'])
  expect((await ask('/files')).status).toBe(429)
  const budgeted = await ask('/files', { headers: { authorization: 'Bearer sk-bob-00000001' } })
  expect(budgeted.status).toBe(403)
  expect(((await budgeted.json()) as { error: object }).error).toMatchObject({ code: 'not_allowed' })
  expect(upstream.seen).toHaveLength(1)
  expect(records.length).toBeGreaterThanOrEqual(2)
})

it('frees the concurrency slot however a call ends', async () => {
  const { ask, upstream, relay, records } = await start(undefined, {
    keys: [{ id: 'alice', key: KEY, limits: { concurrency: 1 } }],
  })
  upstream.script = (_req, res) => void res.destroy()
  expect((await ask('/files')).status).toBe(502)
  upstream.script = (_req, res) => {
    res.writeHead(200, { 'content-length': '100' })
    res.write('half')
    setTimeout(() => res.destroy(), 20)
  }
  await expect((async () => (await ask('/files')).text())()).rejects.toThrow()
  upstream.script = answerError(401, 'Incorrect API key provided: sk-upstream-secret')
  const refused = await ask('/files')
  expect(refused.status).toBe(502)
  expect(await refused.text()).not.toContain('sk-upstream')
  upstream.script = answerError(400, 'Bad file for sk-upstream-secret')
  const bad = await ask('/files')
  expect([bad.status, await bad.text()]).toEqual([400, expect.not.stringContaining('sk-upstream-secret')])
  upstream.script = () => undefined
  const abortController = new AbortController()
  const pending = ask('/files', { signal: abortController.signal }).catch(() => undefined)
  await expect.poll(() => upstream.seen.length).toBe(5)
  abortController.abort()
  await pending
  await expect.poll(() => upstream.running.size).toBe(0)
  upstream.script = answerJson(FILE)
  await expect.poll(async () => (await ask('/files')).status).toBe(200)
  expect(new Set(records.map(({ outcome }) => outcome))).toEqual(new Set(['failed', 'cut', 'complete', 'left']))
  await relay.close()
})

it('works in Express beside the relay, at a mount point', async () => {
  const { relay, upstream } = await start()
  const app = express5()
  app.use('/ai/v1', passthroughRelay(relay) as never)
  app.use('/ai/v1', expressRelay(relay))
  const { baseURL } = cleanup.add(await listen(createServer(app), '/ai/v1'))
  const openai = new OpenAI({ baseURL, apiKey: KEY, maxRetries: 0 })
  expect((await openai.files.retrieve('file-1')).id).toBe('file-1')
  expect(upstream.seen[0]?.url).toBe('/v1/files/file-1')
})

it('frees the slot after a truncated or endless error body', async () => {
  const { ask, upstream, records } = await start(undefined, {
    keys: [{ id: 'alice', key: KEY, limits: { concurrency: 1 } }],
  })
  upstream.script = (_req, res) => {
    res.writeHead(400, { 'content-length': '100' })
    res.write('half')
    setTimeout(() => res.destroy(), 20)
  }
  await expect((async () => (await ask('/files')).text())()).rejects.toThrow()
  await expect.poll(() => records).toMatchObject([{ outcome: 'cut' }])
  upstream.script = (_req, res) => {
    res.writeHead(400, { 'content-type': 'text/plain' })
    const more = setInterval(() => res.write('x'.repeat(10_000)), 2)
    res.on('close', () => clearInterval(more))
  }
  const endless = await ask('/files')
  expect([endless.status, (await endless.text()).length]).toEqual([400, expect.any(Number)])
  await expect.poll(() => upstream.running.size).toBe(0)
  upstream.script = answerJson(FILE)
  expect((await ask('/files')).status).toBe(200)
})

it('passes an error that is not JSON on, without secrets', async () => {
  const { ask, upstream } = await start((_req, res) => {
    res.writeHead(502, { 'content-type': 'text/html' }).end('<p>Bad gateway for sk-upstream-secret</p>')
  })
  const answer = await ask('/files')
  expect([answer.status, await answer.text()]).toEqual([502, '<p>Bad gateway for [redacted]</p>'])
  upstream.script = answerJson(FILE)
  expect((await ask('/files')).status).toBe(200)
})
