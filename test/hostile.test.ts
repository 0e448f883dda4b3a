import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
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
} from './upstream.js'

const KEY = 'sk-hostile-test'
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function world(options: Partial<RelayOptions> = {}): Promise<{
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
  closing.push(
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
  closing.push(() => {
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

describe('texts that make expressions slow', () => {
  const credential = { name: 'a#0', headers: ['authorization', 'Bearer sk-upstreamsecret1'] }

  it.each(['a', 'key-', 'a.', 'sk-', 'a@', '1.', 'https://a?', 'Bearer '])(
    '%j over and over is redacted in no time',
    (piece) => {
      expect(ms(() => redact(piece.repeat(Math.ceil(16_000 / piece.length)), credential))).toBeLessThan(1000)
    },
  )

  it('a path of slashes is matched in no time, without a key', async () => {
    const { relay } = await world()
    const start = performance.now()
    const response = await fetchRelay(relay)(`http://relay/v1/models/a${'/'.repeat(16_000)}x`)
    expect(response.status).toBe(401)
    expect(performance.now() - start).toBeLessThan(300)
  })

  it('a long model name is no model, and is not kept', async () => {
    const { call, upstream } = await world({ models: { '*-mini-*-x': 'up', '*': 'up' } })
    const start = performance.now()
    const response = await call({ model: '-mini-'.repeat(40_000) })
    expect(response.status).toBe(404)
    expect(performance.now() - start).toBeLessThan(1000)
    expect(upstream.seen).toHaveLength(0)
  })

  it('a million wrong messages are refused at the first', async () => {
    const { call } = await world()
    const start = performance.now()
    const response = await call(`{"model":"m","messages":[${'0,'.repeat(500_000)}0]}`)
    expect(await response.json()).toMatchObject({ error: { param: 'messages[0]' } })
    expect(performance.now() - start).toBeLessThan(2000)
  })
})

describe('secrets', () => {
  const credential = { name: 'a#0', headers: ['authorization', 'Bearer sk-upstreamsecret1'] }

  it('are found behind an escape, and what is hidden stays JSON', () => {
    const json = JSON.stringify({
      error: { message: 'no:\nadmin@corp.example\nsk-abcdef1234567890\n10.0.0.5:80', code: 'context_length_exceeded' },
    })
    expect(JSON.parse(redactJson(json, credential))).toEqual({
      error: { message: 'no:\n[redacted]\n[redacted]\n[redacted]', code: 'context_length_exceeded' },
    })
    const plain = '{ "error": {"message":"plain",  "seed": 9007199254740993 } }'
    expect(redactJson(plain, credential)).toBe(plain)
  })

  it('are not passed on in an error that comes in mid-stream; the answer itself is not touched', async () => {
    const { call, upstream } = await world()
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
})

describe('answers that are traps', () => {
  it('a compressed answer is not unpacked beyond the limit, and is settled once', async () => {
    const { call, upstream, records } = await world()
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 'a'))
    upstream.script = (_req, res) => void res.writeHead(500, { 'content-encoding': 'gzip' }).end(bomb)
    const before = process.memoryUsage().rss
    expect((await call()).status).toBe(500)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024)
    expect(records).toHaveLength(1)
  })

  it.each([204, 205])('a %d is no answer', async (status) => {
    const { call, upstream } = await world()
    upstream.script = (_req, res) => void res.writeHead(status).end()
    expect((await call()).status).toBe(502)
  })

  it('blanks before a JSON error do not hide it', async () => {
    const { call, upstream } = await world()
    upstream.script = async (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write('\n\n')
      await new Promise((resolve) => setTimeout(resolve, 30))
      res.end(JSON.stringify({ error: { message: 'slow down', code: 429 } }))
    }
    expect((await call({ stream: true })).status).toBe(429)
  })

  it('a 403 for one model leaves the others alone', async () => {
    const { call, upstream } = await world()
    upstream.script = inTurn(answerError(403, 'no access to this model'), answerJson(completion('ok')))
    expect((await call({ model: 'forbidden' })).status).toBe(502)
    expect((await call({ model: 'allowed' })).status).toBe(200)
  })

  it('the record of a whole answer has its attempt', async () => {
    const { call, records } = await world()
    await call()
    expect(records[0]?.attempts).toEqual([{ target: 'up/m', status: 200 }])
  })
})

describe("the host's own code", () => {
  it('may fail in any hook without taking the process or the client with it', async () => {
    const thrown: unknown[] = []
    const hooks: RelayOptions['plugins'] = [
      {
        admitted({ model }) {
          if (model === 'headers')
            throw new RelayError('rate_limited', 'x', { headers: { 'x-why': 'naïve ✓', 'bad name': 'y' } })
          if (model === 'status') throw new RelayError('rate_limited', 'x', { status: 42 })
        },
        // What TypeScript lets through where nothing is asked for: a promise.
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
    const { call, relay } = await world({ plugins: hooks, logger })
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

  it('is asked first about Expect, where it has a listener of its own, and a call is made once', async () => {
    const { relay, upstream } = await world()
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
    const { relay, call, upstream } = await world({ shutdownMs: 5000 })
    upstream.script = answerStream(streamed('a', 'b', 'c'), 30)
    const response = await call({ stream: true })
    const start = performance.now()
    const closes = [relay.close(), relay.close()]
    await response.text()
    await Promise.all(closes)
    expect(performance.now() - start).toBeLessThan(2000)
  })
})

it('an upgrade is refused, and its socket does not stay', async () => {
  const { relay } = await world()
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

it('a fetch that is aborted while its own body stalls ends', async () => {
  const { call } = await world()
  const abort = new AbortController()
  const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.from('{')) })
  setTimeout(() => abort.abort(), 50)
  await expect(call('', { body, signal: abort.signal, duplex: 'half' } as RequestInit)).rejects.toThrow(/abort/i)
})

it('a paced credential forgets who has left its queue', async () => {
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
  closing.push(
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
