import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { expressRelay } from '../../adapters/express.js'
import { koaRelay } from '../../adapters/koa.js'
import { attachRelay, nodeRelay } from '../../adapters/node.js'
import type { Relay, RelayOptions } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { listen } from '../listen.js'
import { compression, express4, express5, koa2, koa3, koaBodyparser } from '../mounts.js'
import { chatRequest, openaiClient, streamedText } from '../openai-client.js'
import { rawConnection } from '../raw-connection.js'
import { answerWords, type ScriptedUpstream, startUpstream, streamed } from '../scripted-upstream.js'
import { KEY, relayTo } from '../test-relay.js'
import { until } from '../until.js'

const expresses = [
  ['express 5', express5],
  ['express 4', express4],
] as const
const koas = [
  ['koa 3', koa3],
  ['koa 2', koa2],
] as const

const cleanup = new Cleanup()
let upstream: ScriptedUpstream

beforeEach(async () => {
  upstream = cleanup.add(await startUpstream(answerWords('Hello', ', world')))
})
afterEach(() => cleanup.run())

function relayHere(more: Partial<RelayOptions> = {}): Relay {
  return cleanup.add(relayTo(upstream, more))
}

const inNode = async (more: Partial<RelayOptions> = {}) =>
  cleanup.add(await listen(createServer(nodeRelay(relayHere(more)))))

/** A chat request as raw HTTP. */
function wire(
  body: string | Buffer,
  { key = KEY, path = '/v1/chat/completions', ...headers }: Record<string, string> = {},
): string {
  const lines = Object.entries({
    host: 'relay',
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    ...headers,
  })
  const length =
    headers['transfer-encoding'] || headers['content-length'] ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`
  return `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}${length}\r\n${body}`
}

const question = JSON.stringify(chatRequest())

describe('a body that the host has parsed', () => {
  test.each(expresses)('by %s json() is read from req.body, with Unicode', async (_name, express) => {
    const app = express()
    app.use(express.json())
    app.use('/v1', expressRelay(relayHere()))
    const client = openaiClient(cleanup.add(await listen(createServer(app))))
    const words = 'Grüße 👋 \u2028 "quoted" \\ back'
    expect((await client.chat.completions.create(chatRequest(words))).choices[0]?.message.content).toBe('Hello, world')
    expect(await streamedText(client)).toBe('Hello, world')
    expect(JSON.parse(upstream.seen[0]?.body ?? '')).toEqual({ ...chatRequest(words), model: 'real' })
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['m'])
    await expect(client.chat.completions.create({ ...chatRequest(), model: 'nope' })).rejects.toBeInstanceOf(
      OpenAI.NotFoundError,
    )
  })

  test.each(expresses)('by %s and kept as raw bytes passes unchanged', async (_name, express) => {
    const app = express()
    app.use(
      express.json({ verify: (req: object, _res: unknown, rawBody: Buffer) => void Object.assign(req, { rawBody }) }),
    )
    app.use('/v1', expressRelay(relayHere()))
    const { baseURL } = cleanup.add(await listen(createServer(app)))
    const body =
      '{ "model":"m", "messages":[{"role":"user","content":"x"}], "seed": 12345678901234567890, "2":1, "1":2 }'
    await fetch(`${baseURL}/chat/completions`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    })
    expect(upstream.seen[0]?.body).toBe(body.replace('"m"', '"real"'))
  })

  test.each(expresses)('by %s from gzip is not decompressed twice', async (_name, express) => {
    const app = express()
    app.use(express.json())
    app.use('/v1', expressRelay(relayHere()))
    const { baseURL } = cleanup.add(await listen(createServer(app)))
    const response = await fetch(`${baseURL}/chat/completions`, {
      method: 'POST',
      body: gzipSync(question),
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', 'content-encoding': 'gzip' },
    })
    expect(response.status).toBe(200)
  })

  test.each(koas)('by koa-bodyparser in %s is read from ctx.request.body', async (_name, Koa) => {
    const app = new Koa()
    app.use(koaBodyparser())
    app.use(koaRelay(relayHere()))
    const client = openaiClient(cleanup.add(await listen(createServer(app.callback()))))
    expect((await client.chat.completions.create(chatRequest())).choices[0]?.message.content).toBe('Hello, world')
    expect(await streamedText(client)).toBe('Hello, world')
    expect(JSON.parse(upstream.seen[0]?.body ?? '')).toEqual({ ...chatRequest(), model: 'real' })
  })

  test.each(expresses)('in %s and dropped is a 500 with an explanation', async (_name, express) => {
    const app = express()
    app.use((req, _res, next) => {
      req.resume()
      req.on('end', () => next())
    })
    app.use('/v1', expressRelay(relayHere()))
    const client = openaiClient(cleanup.add(await listen(createServer(app))))
    const error = await client.chat.completions.create(chatRequest()).catch((caught) => caught)
    expect(error).toMatchObject({ status: 500, type: 'server_error' })
    expect(error.message).toContain('The host has read the body')
    expect(upstream.seen).toHaveLength(0)
  })

  test.each(koas)('in %s and dropped is a 500 with an explanation', async (_name, Koa) => {
    const app = new Koa()
    app.use(async (ctx, next) => {
      for await (const _ of ctx.req);
      await next()
    })
    app.use(koaRelay(relayHere()))
    const client = openaiClient(cleanup.add(await listen(createServer(app.callback()))))
    await expect(client.chat.completions.create(chatRequest())).rejects.toMatchObject({
      status: 500,
      type: 'server_error',
    })
  })
})

describe('behind compression()', () => {
  test.each(expresses)(
    'in %s passes chunks at once, and compresses whole answers correctly',
    async (_name, express) => {
      let open = (): void => undefined
      const gate = new Promise<void>((resolve) => {
        open = resolve
      })
      const app = express()
      app.use(compression())
      app.use('/v1', expressRelay(relayHere()))
      const { baseURL } = cleanup.add(await listen(createServer(app)))
      const client = openaiClient({ baseURL, fetch })
      const long = 'word '.repeat(2000)
      upstream.script = answerWords(long)
      const { data, response } = await client.chat.completions
        .create(chatRequest(), { headers: { 'accept-encoding': 'gzip' } })
        .withResponse()
      expect(data.choices[0]?.message.content).toBe(long)
      expect(response.headers.get('content-encoding')).toBe('gzip')

      const [role = '', first = '', ...rest] = streamed('first', 'last')
      upstream.script = async (_req, res) => {
        res.writeHead(200, { 'content-type': 'text/event-stream' }).write(role + first)
        await gate
        res.end(rest.join(''))
      }
      const words: string[] = []
      const stream = await client.chat.completions
        .create({ ...chatRequest(), stream: true }, { headers: { 'accept-encoding': 'gzip' } })
        .withResponse()
      expect(stream.response.headers.get('content-encoding')).toBeNull()
      for await (const chunk of stream.data) {
        const word = chunk.choices[0]?.delta.content
        if (word) words.push(word)
        if (word === 'first') open()
      }
      expect(words).toEqual(['first', 'last'])
    },
    3000,
  )
})

describe('users of the host', () => {
  test.each(expresses)("are authenticated by %s's session, and other callers by key", async (_name, express) => {
    const app = express()
    app.use((req, _res, next) => {
      if (req.headers.cookie === 'session=bob') req.user = 'bob'
      next()
    })
    const callers: string[] = []
    const relay = relayHere({
      authenticate: ({ host }) => {
        const { user } = host as { user?: string }
        return user === undefined ? undefined : { id: user, models: ['m'] }
      },
      plugins: [{ admitted: ({ caller }) => void callers.push(caller.id) }],
    })
    app.use('/v1', expressRelay(relay))
    const mounted = cleanup.add(await listen(createServer(app)))
    const nobody = new OpenAI({ baseURL: mounted.baseURL, apiKey: 'none', maxRetries: 0 })
    await nobody.chat.completions.create(chatRequest(), { headers: { cookie: 'session=bob', authorization: null } })
    await openaiClient(mounted).chat.completions.create(chatRequest())
    await expect(nobody.chat.completions.create(chatRequest())).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
    expect(callers).toEqual(['bob', 'alice'])
  })

  test('are authenticated by a koa context; a throwing `authenticate` is a 500 without its message', async () => {
    const app = new koa3()
    app.use((ctx, next) => {
      Object.assign(ctx, { state: { user: ctx.req.headers['x-user'] } })
      return next()
    })
    const authenticate: RelayOptions['authenticate'] = async ({ host }) => {
      const { user } = (host as { state: { user?: string } }).state
      if (user === 'broken') throw new Error('the session store at 10.0.0.7 is down')
      return user === undefined ? undefined : { id: user }
    }
    app.use(koaRelay(relayHere({ authenticate })))
    const client = openaiClient(cleanup.add(await listen(createServer(app.callback()))), 'sk-no-such-key')
    await client.chat.completions.create(chatRequest(), { headers: { 'x-user': 'carol' } })
    const error = await client.chat.completions
      .create(chatRequest(), { headers: { 'x-user': 'broken' } })
      .catch((caught) => caught)
    expect(error.status).toBe(500)
    expect(JSON.stringify(error.error)).not.toContain('10.0.0.7')
    await expect(client.chat.completions.create(chatRequest())).rejects.toMatchObject({ status: 401 })
  })

  test('have the IP address that the host determines', async () => {
    const app = express5()
    app.set('trust proxy', true)
    const keys = [{ id: 'office', key: KEY, allowedIps: ['203.0.113.0/24'] }]
    app.use('/v1', expressRelay(relayHere({ keys })))
    const trusting = openaiClient(cleanup.add(await listen(createServer(app))))
    const from = { headers: { 'x-forwarded-for': '203.0.113.9' } }
    await trusting.chat.completions.create(chatRequest(), from)
    await expect(trusting.chat.completions.create(chatRequest())).rejects.toMatchObject({ status: 401 })
    await expect(
      openaiClient(await inNode({ keys })).chat.completions.create(chatRequest(), from),
    ).rejects.toMatchObject({
      status: 401,
    })
    expect(upstream.seen).toHaveLength(1)
    expect(upstream.seen[0]?.headers['x-forwarded-for']).toBeUndefined()
  })
})

describe('koa', () => {
  test.each(koas)('%s adds nothing to a stream after other middleware', async (_name, Koa) => {
    const app = new Koa()
    const after: string[] = []
    app.use(async (ctx, next) => {
      await next()
      after.push(ctx.path)
      if (!ctx.res.headersSent) ctx.body = 'koa'
    })
    app.use(koaRelay(relayHere()))
    const { baseURL } = cleanup.add(await listen(createServer(app.callback())))
    const response = await fetch(`${baseURL}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...chatRequest(), stream: true }),
      headers: { authorization: `Bearer ${KEY}` },
    })
    expect(await response.text()).toBe(streamed('Hello', ', world').join(''))
    await until(() => after.length === 1)
  })
})

describe('Expect: 100-continue', () => {
  const attached = async (more: Partial<RelayOptions> = {}) => {
    const server = createServer((req, res) => {
      req.resume()
      req.on('end', () => res.end('the host'))
    })
    attachRelay(server, relayHere(more))
    return cleanup.add(await listen(server))
  }

  test.each(['100-continue', '100-Continue'])(
    '(%s) is answered once for a valid key, then the body is read',
    async (expect100) => {
      const { port } = await attached()
      const { socket, text } = await rawConnection(port)
      const [head = ''] = wire(question, { expect: expect100 }).split('\r\n\r\n')
      socket.write(`${head}\r\n\r\n`)
      await until(() => text().includes('100 Continue'))
      socket.write(question)
      await until(() => text().includes('Hello, world'))
      expect(text().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 200'])
      socket.destroy()
    },
  )

  test.each([
    ['a wrong key', { key: 'sk-wrong-wrong' }, 401],
    ['a body that is too large', { 'content-length': '50000000' }, 413],
  ])('is not granted to %s: the response comes before the body', async (_what, more, status) => {
    const { port } = await attached({ maxBodyBytes: 1000 })
    const { socket, text } = await rawConnection(port)
    const [head = ''] = wire(question, { expect: '100-continue', ...more } as Record<string, string>).split('\r\n\r\n')
    socket.write(`${head}\r\n\r\n`)
    await until(() => text().includes('x-request-id'))
    expect(text()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(text()).not.toContain('100 Continue')
    socket.destroy()
  })

  test('on a path of the host is left to the host', async () => {
    const { port } = await attached()
    const { socket, text } = await rawConnection(port)
    socket.write('POST /upload HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n')
    await until(() => text().includes('100 Continue'))
    socket.write('hi')
    await until(() => text().includes('the host'))
    socket.destroy()
  })

  test('is answered once by a server without a host', async () => {
    const { port } = await inNode()
    const { socket, text } = await rawConnection(port)
    socket.write(wire(question, { expect: '100-continue' }))
    await until(() => text().includes('Hello, world'))
    expect(text().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 200'])
    socket.destroy()
  })
})

describe('raw HTTP', () => {
  test('answers pipelined requests in order', async () => {
    upstream.script = async (req, res, seen) => {
      const { content } = JSON.parse(seen.body).messages[0]
      await new Promise((resolve) => setTimeout(resolve, content === 'first' ? 50 : 0))
      answerWords(content)(req, res, seen)
    }
    const { port } = await inNode()
    const { socket, text } = await rawConnection(port)
    const asking = (words: string, stream: boolean): string => wire(JSON.stringify({ ...chatRequest(words), stream }))
    socket.write(asking('first', false) + asking('second', true) + asking('third', false))
    await until(() => (text().match(/HTTP\/1\.1 200/g) ?? []).length === 3 && text().includes('third'))
    const places = ['first', 'second', '[DONE]', 'third'].map((word) => text().indexOf(`${word}`))
    expect(places).toEqual([...places].sort((a, b) => a - b))
    socket.destroy()
  })

  test('aborts pipelined requests when the client disconnects', async () => {
    upstream.script = () => undefined
    const { port } = await inNode()
    const { socket } = await rawConnection(port)
    socket.write(wire(question) + wire(question))
    await until(() => upstream.seen.length === 2)
    socket.destroy()
    await until(() => upstream.running.size === 0, 500)
  })

  test.each([
    'http://relay.example/v1/chat/completions',
    '/v1//chat/completions/',
    '/v1/v1/chat/completions?beta=true',
    '//v1/chat/completions',
    '/openai/v1/chat/completions?key=x&api-version=2',
  ])('routes %s', async (path) => {
    const { port } = await inNode()
    const { socket, text } = await rawConnection(port)
    socket.write(wire(question, { path }))
    await until(() => text().includes('\r\n\r\n'))
    expect(text()).toMatch(/^HTTP\/1.1 200 /)
    socket.destroy()
  })

  test.each([
    ['a model with a line break', { model: 'up/x\r\nset-cookie: a=b' }],
    ['a model beyond Latin-1', { model: 'up/模型-α' }],
    ['a model with half a surrogate', { model: 'up/\ud83d' }],
  ])('%s can neither add nor break a header', async (_what, more) => {
    const { baseURL } = await inNode({ models: { 'up/*': 'up' } })
    const response = await fetch(`${baseURL}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...chatRequest(), ...more }),
      headers: { authorization: `Bearer ${KEY}` },
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('set-cookie')).toBeNull()
    expect(response.headers.get('x-modelmount-target')).toMatch(/^up\/[!-~]+$/)
  })

  test('passes no upstream headers on, and sanitizes the content type', async () => {
    upstream.script = (_req, res) => {
      res.writeHead(200, {
        'set-cookie': 'a=b',
        'openai-organization': 'org-secret',
        'x-evil': '1',
        'content-type': 'application/json; x="\u00e9"',
      })
      res.end('{"choices":[]}')
    }
    const { baseURL } = await inNode()
    const response = await fetch(`${baseURL}/chat/completions`, {
      method: 'POST',
      body: question,
      headers: { authorization: `Bearer ${KEY}` },
    })
    const names = [...response.headers.keys()].filter((name) => !['connection', 'keep-alive', 'date'].includes(name))
    expect(names.sort()).toEqual([
      'content-length',
      'content-type',
      'x-modelmount-attempts',
      'x-modelmount-target',
      'x-request-id',
    ])
  })

  test('passes no client headers on, such as cookies, IP address or length', async () => {
    const { port } = await inNode()
    const { socket, text } = await rawConnection(port)
    socket.write(
      wire(question, {
        cookie: 'a=b',
        'x-forwarded-for': '1.2.3.4',
        te: 'trailers',
        'x-api-version': '1',
        'accept-encoding': 'gzip',
        'openai-beta': 'x=1',
      }),
    )
    await until(() => text().includes('Hello, world'))
    const { headers, body } = upstream.seen[0] ?? {}
    expect(Object.keys(headers ?? {}).sort()).toEqual([
      'accept-encoding',
      'connection',
      'content-length',
      'content-type',
      'host',
      'openai-beta',
      'user-agent',
    ])
    expect(headers).toMatchObject({
      'accept-encoding': 'identity',
      'content-length': `${body?.length}`,
      host: `127.0.0.1:${upstream.port}`,
    })
    socket.destroy()
  })

  test('keeps the connection after a 401 with a small body', async () => {
    const { port } = await inNode()
    const { socket, text } = await rawConnection(port)
    socket.write(wire(question, { key: 'sk-wrong-wrong' }))
    await until(() => text().includes('x-request-id'))
    socket.write(wire(question))
    await until(() => text().includes('Hello, world'))
    await new Promise((resolve) => setTimeout(resolve, 1100))
    expect(socket.destroyed).toBe(false)
    socket.write(wire(question))
    await until(() => text().split('Hello, world').length === 3)
    socket.destroy()
  })

  test.each([
    ['a wrong key, length announced', { key: 'sk-wrong-wrong', 'content-length': `${1e9}` }, 401],
    ['a wrong key, in chunks', { key: 'sk-wrong-wrong', 'transfer-encoding': 'chunked' }, 401],
    ['a large content-length', { 'content-length': `${1e9}` }, 413],
    ['a large chunked body', { 'transfer-encoding': 'chunked' }, 413],
  ])('an endless body (%s) gets a response, then the relay closes the connection', async (_what, more, status) => {
    const { port } = await inNode({ maxBodyBytes: 100_000 })
    const { socket, text, closed } = await rawConnection(port)
    const headers = more as Record<string, string>
    const piece = 'x'.repeat(16_384)
    const chunk = headers['transfer-encoding'] ? `${piece.length.toString(16)}\r\n${piece}\r\n` : piece
    socket.write(wire('', headers))
    const sending = setInterval(() => socket.writable && socket.write(chunk), 2)
    await until(() => text().includes('"message"'))
    const startedAt = performance.now()
    await closed
    clearInterval(sending)
    expect(performance.now() - startedAt).toBeLessThan(2000)
    expect(text()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(upstream.seen).toHaveLength(0)
  })

  test('survives a client that disconnects in the middle of its body', async () => {
    const { port } = await inNode()
    const { socket } = await rawConnection(port)
    socket.write(wire(question, { 'content-length': '5000' }))
    await new Promise((resolve) => setTimeout(resolve, 20))
    socket.destroy()
    const client = openaiClient({ baseURL: `http://127.0.0.1:${port}/v1`, fetch })
    expect(await streamedText(client)).toBe('Hello, world')
    expect(upstream.seen).toHaveLength(1)
  })
})

describe('a body', () => {
  const post = async (
    body: string | Buffer,
    headers: Record<string, string> = {},
    more: Partial<RelayOptions> = {},
  ) => {
    const { baseURL } = await inNode(more)
    const response = await fetch(`${baseURL}/chat/completions`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${KEY}`, ...headers },
    })
    const text = await response.text()
    return {
      status: response.status,
      error: JSON.parse(text).error as Record<string, unknown> | undefined,
      headers: response.headers,
    }
  }
  const message = '{"role":"user","content":"hi"}'

  test.each([
    ['model given twice', `{"model":"m","messages":[${message}],"model":"other"}`, 'model'],
    ['model given twice, once escaped', `{"model":"m","messages":[${message}],"\\u006dodel":"other"}`, 'model'],
    ['model only escaped', `{"m\\u006fdel":"m","messages":[${message}]}`, 'model'],
    ['a model that is not a string', `{"model":7,"messages":[${message}]}`, 'model'],
    ['messages that are not a list', '{"model":"m","messages":"hi"}', 'messages'],
    ['no messages', '{"model":"m"}', 'messages'],
    [
      'content of a wrong type',
      `{"model":"m","messages":[${message},${message},{"role":"user","content":7}]}`,
      'messages[2].content',
    ],
    ['a stream flag of a wrong type', `{"model":"m","messages":[${message}],"stream":"yes"}`, 'stream'],
  ])('with %s is refused with the field as param', async (_what, body, param) => {
    const { status, error } = await post(body)
    expect(status).toBe(400)
    expect(error).toMatchObject({ type: 'invalid_request_error', param })
    expect(upstream.seen).toHaveLength(0)
  })

  test.each([
    ['nothing', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['a bare word', 'hello'],
    ['more after its end', `{"model":"m","messages":[${message}]} {}`],
    ['a million levels of lists', `{"model":"m","messages":[${message}],"x":${'['.repeat(1e6)}${']'.repeat(1e6)}}`],
    ['a million open lists', '['.repeat(1e6)],
    ['NaN', `{"model":"m","messages":[${message}],"n":NaN}`],
  ])('of %s is a 400', async (_what, body) => {
    const { status, error } = await post(body)
    expect(status).toBe(400)
    expect(error).toMatchObject({ type: 'invalid_request_error' })
    expect(upstream.seen).toHaveLength(0)
  })

  test('with a __proto__ passes unchanged, and changes no prototype', async () => {
    const body = `{"__proto__":{"polluted":1,"stream":1},"constructor":{"prototype":{"polluted":1}},"model":"m","messages":[${message}]}`
    expect((await post(body)).status).toBe(200)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect(upstream.seen[0]?.body).toBe(body.replace('"m"', '"real"'))
  })

  test('with a hundred thousand keys is accepted', async () => {
    const keys = Array.from({ length: 1e5 }, (_, index) => `"k${index}":0`).join(',')
    expect((await post(`{"model":"m","messages":[${message}],${keys}}`)).status).toBe(200)
  })

  test.each(['gzip', 'GZIP', 'x-gzip'])('in %s is decompressed', async (encoding) => {
    expect((await post(gzipSync(question), { 'content-encoding': encoding })).status).toBe(200)
    expect(JSON.parse(upstream.seen[0]?.body ?? '')).toEqual({ ...chatRequest(), model: 'real' })
    expect(upstream.seen[0]?.headers['content-encoding']).toBeUndefined()
  })

  test.each([
    ['that is labelled gzip but is not', 400, 'hello', 'gzip'],
    ['in truncated gzip', 400, gzipSync(question).subarray(0, 20), 'gzip'],
    ['in an unknown encoding', 415, 'hello', 'zstd'],
    ['in two encodings', 415, gzipSync(gzipSync(question)), 'gzip, gzip'],
    ['in gzip that expands beyond the limit', 413, gzipSync(Buffer.alloc(64 * 1024 * 1024)), 'gzip'],
  ] as [string, number, string | Buffer, string][])('%s is a %d', async (_what, status, body, encoding) => {
    const {
      status: seen,
      error,
      headers,
    } = await post(body, { 'content-encoding': encoding }, { maxBodyBytes: 1_000_000 })
    expect(seen).toBe(status)
    expect(error).toMatchObject({ type: 'invalid_request_error' })
    if (status === 415) expect(headers.get('accept-encoding')).toBe('gzip, deflate, br')
  })

  test('with a byte order mark is accepted', async () => {
    expect((await post(`\ufeff${question}`)).status).toBe(200)
  })
})
