import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { fetchRelay } from '../adapters/fetch.js'
import { attachRelay, nodeRelay, upgradeRelay } from '../adapters/node.js'
import { createRelay, type Relay, RelayError, type RelayOptions, type UsageRecord } from '../src/index.js'
import { redact, redactJson, redactRecords } from '../src/upstream/attempt/redact.js'
import {
  answerError,
  answerJson,
  answerStream,
  completion,
  inTurn,
  type ScriptedUpstream,
  startUpstream,
  streamed,
} from './scripted-upstream.js'

const KEY = 'sk-hostile-test'
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function startRelay(options: Partial<RelayOptions> = {}): Promise<{
  upstream: ScriptedUpstream
  relay: Relay
  records: UsageRecord[]
  call: (body?: object | string, init?: RequestInit) => Promise<Response>
}> {
  const upstream = await startUpstream()
  const records: UsageRecord[] = []
  const relay = createRelay({
    providers: { up: { type: 'openai-compatible', baseURL: upstream.baseURL, apiKey: 'sk-upstreamsecret1' } },
    models: { '*': 'up' },
    keys: [{ id: 'me', key: KEY }],
    plugins: [{ done: (record) => void records.push(structuredClone(record)) }],
    retry: { attempts: 1 },
    logger: false,
    ...options,
  })
  closers.push(
    () => upstream.close(),
    () => relay.close(),
  )
  const call = (body: object | string = {}, init: RequestInit = {}): Promise<Response> => {
    const text =
      typeof body === 'string'
        ? body
        : JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...body })
    const headers = { authorization: `Bearer ${KEY}` }
    return fetchRelay(relay)('http://relay/v1/chat/completions', { method: 'POST', headers, body: text, ...init })
  }
  return { upstream, relay, records, call }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const ms = (work: () => unknown): number => {
  const start = performance.now()
  work()
  return performance.now() - start
}

describe('inputs that slow regular expressions down', () => {
  const credential = { name: 'a#0', headers: ['authorization', 'Bearer sk-upstreamsecret1'] }

  it.each(['a', 'key-', 'a.', 'sk-', 'a@', '1.', 'https://a?', 'Bearer '])(
    'repeated %j is redacted quickly',
    (piece) => {
      expect(ms(() => redact(piece.repeat(Math.ceil(16_000 / piece.length)), credential))).toBeLessThan(1000)
    },
  )

  it('a path of slashes is matched quickly, without a key', async () => {
    const { relay } = await startRelay()
    const start = performance.now()
    const response = await fetchRelay(relay)(`http://relay/v1/models/a${'/'.repeat(16_000)}x`)
    expect(response.status).toBe(401)
    expect(performance.now() - start).toBeLessThan(300)
  })

  it('a very long model name is a 404, and is not remembered', async () => {
    const { call, upstream } = await startRelay({ models: { '*-mini-*-x': 'up', '*': 'up' } })
    const start = performance.now()
    const response = await call({ model: '-mini-'.repeat(40_000) })
    expect(response.status).toBe(404)
    expect(performance.now() - start).toBeLessThan(1000)
    expect(upstream.seen).toHaveLength(0)
  })

  it('a million invalid messages are refused at the first', async () => {
    const { call } = await startRelay()
    const start = performance.now()
    const response = await call(`{"model":"m","messages":[${'0,'.repeat(500_000)}0]}`)
    expect(await response.json()).toMatchObject({ error: { param: 'messages[0]' } })
    expect(performance.now() - start).toBeLessThan(2000)
  })
})

describe('secrets', () => {
  const credential = { name: 'a#0', headers: ['authorization', 'Bearer sk-upstreamsecret1'] }

  it('are redacted after an escape, and the JSON stays valid', () => {
    const json = JSON.stringify({
      error: { message: 'no:\nadmin@corp.example\nsk-abcdef1234567890\n10.0.0.5:80', code: 'context_length_exceeded' },
    })
    expect(JSON.parse(redactJson(json, credential))).toEqual({
      error: { message: 'no:\n[redacted]\n[redacted]\n[redacted]', code: 'context_length_exceeded' },
    })
    const plain = '{ "error": {"message":"plain",  "seed": 9007199254740993 } }'
    expect(redactJson(plain, credential)).toBe(plain)
  })

  it('are redacted in an error within a stream, but not in the answer', async () => {
    const { call, upstream } = await startRelay()
    const leak = `data: ${JSON.stringify({ error: { message: 'Incorrect API key sk-upstreamsecret1', code: 'x' } })}\n\n`
    upstream.script = answerStream([...streamed('write to me@mail.example').slice(0, 2), leak], 5)
    const text = await (await call({ stream: true })).text()
    expect(text).toContain('me@mail.example')
    expect(text).toContain('"code":"x"')
    expect(text).not.toContain('sk-upstreamsecret1')
    const records = Buffer.from(
      'data: {"choices":[{"delta":{"content":"a \\"error\\" of me@mail.example"}}],"error":null}\n\n',
    )
    expect(redactRecords(records, credential)).toBe(records)
  })

  it('are redacted in an error that is long, or that more records follow', () => {
    const error = (more: string): string =>
      `data: ${JSON.stringify({ error: { message: `Incorrect API key sk-upstreamsecret1${more}` } })}\n\n`
    const records = streamed(...Array.from({ length: 50 }, () => 'word')).join('')
    for (const text of [error('.') + records, error('.'.repeat(5000))]) {
      const redacted = redactRecords(Buffer.from(text), credential).toString()
      expect(redacted).toContain('Incorrect API key [redacted]')
      expect(redacted).not.toContain('sk-upstreamsecret1')
    }
  })
})

describe('malicious answers', () => {
  it('a compressed answer is not decompressed beyond the limit, and is settled once', async () => {
    const { call, upstream, records } = await startRelay()
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 'a'))
    upstream.script = (_req, res) => void res.writeHead(500, { 'content-encoding': 'gzip' }).end(bomb)
    const before = process.memoryUsage().rss
    expect((await call()).status).toBe(500)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024)
    expect(records).toHaveLength(1)
  })

  it.each([204, 205])('a %d is an invalid answer', async (status) => {
    const { call, upstream } = await startRelay()
    upstream.script = (_req, res) => void res.writeHead(status).end()
    expect((await call()).status).toBe(502)
  })

  it('blank lines before a JSON error do not hide it', async () => {
    const { call, upstream } = await startRelay()
    upstream.script = async (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write('\n\n')
      await new Promise((resolve) => setTimeout(resolve, 30))
      res.end(JSON.stringify({ error: { message: 'slow down', code: 429 } }))
    }
    expect((await call({ stream: true })).status).toBe(429)
  })

  it('a 403 for one model does not affect other models', async () => {
    const { call, upstream } = await startRelay()
    upstream.script = inTurn(answerError(403, 'no access to this model'), answerJson(completion('ok')))
    expect((await call({ model: 'forbidden' })).status).toBe(502)
    expect((await call({ model: 'allowed' })).status).toBe(200)
  })

  it('the usage record of a whole answer lists its attempt', async () => {
    const { call, records } = await startRelay()
    await call()
    expect(records[0]?.attempts).toEqual([{ target: 'up/m', status: 200 }])
  })
})

describe('code of the host', () => {
  it('may throw in any hook without crashing the process', async () => {
    const thrown: unknown[] = []
    const hooks: RelayOptions['plugins'] = [
      {
        admitted({ model }) {
          if (model === 'headers')
            throw new RelayError('rate_limited', 'x', { headers: { 'x-why': 'naïve ✓', 'bad name': 'y' } })
          if (model === 'status') throw new RelayError('rate_limited', 'x', { status: 42 })
        },
        // TypeScript accepts an async function where the type returns void.
        done: (async () => {
          throw new Error('from done')
        }) as () => void,
      },
    ]
    const logger = {
      info: () => undefined,
      warn: () => undefined,
      error: (details: object) => void thrown.push(details),
    }
    const { call, relay } = await startRelay({ plugins: hooks, logger })
    const port = await listen(createServer(nodeRelay(relay)))
    const post = (model: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${KEY}` },
        body: JSON.stringify({ model, messages: [{ role: 'user' }] }),
      })
    const refused = await post('headers')
    expect([refused.status, refused.headers.get('x-why')]).toEqual([429, 'na%C3%AFve%20%E2%9C%93'])
    expect((await post('status')).status).toBe(429)
    expect((await call()).status).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(thrown.length).toBeGreaterThan(0)
  })

  it.each(['write', 'end'] as const)('may throw in a wrapped %s, which ends that call only', async (method) => {
    const { relay, records, upstream } = await startRelay()
    upstream.script = answerStream(streamed('a', 'b', 'c', 'd'), 20)
    const listener = nodeRelay(relay)
    const server = createServer((req, res) => {
      let calls = 0
      const wrapped = res[method].bind(res) as (...values: unknown[]) => unknown
      const throwing = (...values: unknown[]): unknown => {
        if (method === 'end' || ++calls > 2) throw new Error('from the host')
        return wrapped(...values)
      }
      Object.assign(res, { [method]: throwing })
      listener(req, res)
    })
    const port = await listen(server)
    const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user' }] }),
    })
    await expect(response.text()).rejects.toThrow()
    await vi.waitFor(() => expect(records).toMatchObject([{ outcome: method === 'end' ? 'complete' : 'left' }]))
  })

  it('handles Expect first if it has a listener, and the call is made once', async () => {
    const { relay, upstream } = await startRelay()
    const server = createServer((_req, res) => void res.end('host'))
    server.on('checkContinue', (req, res) => {
      res.writeContinue()
      server.emit('request', req, res)
    })
    attachRelay(server, relay)
    const port = await listen(server)
    const socket = connect(port, '127.0.0.1')
    const body = JSON.stringify({ model: 'm', messages: [{ role: 'user' }] })
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\nexpect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n`,
    )
    await once(socket, 'data')
    socket.write(body)
    await once(socket, 'data')
    socket.destroy()
    expect(upstream.seen).toHaveLength(1)
  })

  it('may close the relay twice', async () => {
    const { relay, call, upstream } = await startRelay({ shutdownMs: 5000 })
    upstream.script = answerStream(streamed('a', 'b', 'c'), 30)
    const response = await call({ stream: true })
    const start = performance.now()
    const closes = [relay.close(), relay.close()]
    await response.text()
    await Promise.all(closes)
    expect(performance.now() - start).toBeLessThan(2000)
  })
})

it('closes the socket of a refused upgrade', async () => {
  const { relay } = await startRelay()
  const port = await listen(createServer(nodeRelay(relay)).on('upgrade', upgradeRelay(relay)))
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.write(
    'GET /v1/realtime HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
      'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  expect(String(bytes)).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/)
  const start = performance.now()
  socket.on('error', () => undefined)
  while (!socket.destroyed && performance.now() - start < 4000) {
    socket.write('x')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  expect(performance.now() - start).toBeLessThan(3000)
})

it('rejects an aborted fetch whose request body stalls', async () => {
  const { call } = await startRelay()
  const abort = new AbortController()
  const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.from('{')) })
  setTimeout(() => abort.abort(), 50)
  await expect(call('', { body, signal: abort.signal, duplex: 'half' } as RequestInit)).rejects.toThrow(/abort/i)
})

it('a paced credential removes disconnected clients from its queue', async () => {
  const upstream = await startUpstream()
  const relay = createRelay({
    providers: {
      up: {
        type: 'openai-compatible',
        baseURL: upstream.baseURL,
        apiKey: 'sk-upstream-1',
        pace: { minTimeMs: 100, queue: 100, queueMs: 2000 },
      },
    },
    models: { m: 'up' },
    keys: [{ id: 'me', key: KEY }],
    logger: false,
  })
  closers.push(
    () => upstream.close(),
    () => relay.close(),
  )
  const call = (signal?: AbortSignal): Promise<Response> =>
    fetchRelay(relay)('http://relay/v1/chat/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user' }] }),
      ...(signal && { signal }),
    })
  const abort = new AbortController()
  const gone = Array.from({ length: 60 }, () => call(abort.signal).catch(() => undefined))
  await new Promise((resolve) => setTimeout(resolve, 50))
  abort.abort()
  await Promise.all(gone)
  const start = performance.now()
  expect((await call()).status).toBe(200)
  expect(performance.now() - start).toBeLessThan(1000)
})
