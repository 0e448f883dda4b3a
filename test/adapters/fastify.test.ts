import { PassThrough, type Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createGunzip, gzipSync } from 'node:zlib'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fastifyRelay } from '../../adapters/fastify.js'
import type { Relay, RelayOptions } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { listen, type Mounted } from '../listen.js'
import { chatRequest, openaiClient, streamedText } from '../openai-client.js'
import { answerWords, type ScriptedUpstream, startUpstream } from '../scripted-upstream.js'
import { KEY, relayTo } from '../test-relay.js'

const cleanup = new Cleanup()
let upstream: ScriptedUpstream

beforeEach(async () => {
  upstream = cleanup.add(await startUpstream(answerWords('Hello', ', world')))
})
afterEach(() => cleanup.run())

function relayHere(more: Partial<RelayOptions> = {}): Relay {
  return cleanup.add(relayTo(upstream, more))
}

async function serve(app: FastifyInstance): Promise<Mounted> {
  await app.ready()
  return cleanup.add(await listen(app.server))
}

const question = JSON.stringify(chatRequest())
const post = (url: string, body: string | Buffer = question, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
  })

describe("fastify's own parsing", () => {
  test("is skipped for the relay's routes, and unchanged for others", async () => {
    const app = Fastify()
    app.register(fastifyRelay(relayHere()), { prefix: '/v1' })
    app.post('/own', async ({ body }) => ({ got: body }))
    const { baseURL } = await serve(app)
    const spaced = JSON.stringify(chatRequest('x'.repeat(2_000_000)), undefined, 1)
    expect((await post(`${baseURL}/chat/completions`, spaced)).status).toBe(200)
    expect(upstream.seen[0]?.body).toBe(spaced.replace('"m"', '"real"'))
    expect(await (await post(new URL('/own', baseURL).href, '{"a":1}')).json()).toEqual({ got: { a: 1 } })
    expect((await post(new URL('/own', baseURL).href, 'x', { 'content-type': 'image/png' })).status).toBe(415)
  })

  test.each<[string, (raw: Readable) => Readable]>([
    ['decompressed', (raw) => raw.pipe(createGunzip())],
    ['decompressed and piped', (raw) => raw.pipe(createGunzip()).pipe(new PassThrough())],
  ])('may follow a hook: a body that it has %s is used', async (_how, replace) => {
    const app = Fastify()
    app.addHook('preParsing', async (request, _reply, payload) => {
      delete request.headers['content-encoding']
      return replace(payload as Readable)
    })
    app.register(fastifyRelay(relayHere()), { prefix: '/v1' })
    const { baseURL } = await serve(app)
    const sent = (words: string) => gzipSync(JSON.stringify(chatRequest(words)))
    expect((await post(`${baseURL}/chat/completions`, sent('hi'), { 'content-encoding': 'gzip' })).status).toBe(200)
    expect(JSON.parse(upstream.seen[0]?.body ?? '')).toEqual({ ...chatRequest(), model: 'real' })
    const long = sent('x'.repeat(2_000_000))
    expect((await post(`${baseURL}/chat/completions`, long, { 'content-encoding': 'gzip' })).status).toBe(413)
  })

  test('may follow a hook that observes the body', async () => {
    const app = Fastify()
    const read: string[] = []
    app.addHook('preParsing', (_request, _reply, payload, done) => {
      payload.on('data', (chunk) => read.push(String(chunk)))
      done(null, payload)
    })
    const authenticate: RelayOptions['authenticate'] = () =>
      new Promise((resolve) => setTimeout(resolve, 20, { id: 'late' }))
    app.register(fastifyRelay(relayHere({ authenticate })), { prefix: '/v1' })
    const client = openaiClient(await serve(app))
    expect(await streamedText(client)).toBe('Hello, world')
    expect(read.join('')).toContain('"hi"')
  })

  test.each([
    ['kept as raw bytes is read from there', true, 200],
    ['dropped is a 500 with an explanation', false, 500],
  ])('may find a consumed body: a body that a hook has read and %s', async (_what, keep, status) => {
    const app = Fastify()
    app.addHook('onRequest', async (request) => {
      const rawBody = await text(request.raw)
      if (keep) Object.assign(request, { rawBody })
    })
    app.register(fastifyRelay(relayHere()), { prefix: '/v1' })
    const response = await post(`${(await serve(app)).baseURL}/chat/completions`)
    expect(response.status).toBe(status)
    if (!keep) expect(await response.text()).toContain('The host has read the body')
  })
})

describe('fastify', () => {
  test("passes `authenticate` the request that the app's hooks have extended", async () => {
    const app = Fastify()
    app.decorateRequest('user', '')
    app.addHook('preHandler', async (request) => {
      Object.assign(request, { user: request.headers.cookie?.replace('session=', '') })
    })
    const authenticate: RelayOptions['authenticate'] = ({ host }) => {
      const { user } = host as { user?: string }
      return user ? { id: user } : undefined
    }
    const callers: string[] = []
    const plugins = [{ admitted: ({ caller }: { caller: { id: string } }) => void callers.push(caller.id) }]
    app.register(fastifyRelay(relayHere({ authenticate, plugins })), { prefix: '/v1' })
    const mounted = await serve(app)
    await openaiClient(mounted, 'none').chat.completions.create(chatRequest(), { headers: { cookie: 'session=bob' } })
    await openaiClient(mounted).chat.completions.create(chatRequest())
    await expect(openaiClient(mounted, 'none').chat.completions.create(chatRequest())).rejects.toMatchObject({
      status: 401,
    })
    expect(callers).toEqual(['bob', 'alice'])
  })

  test("provides the client's IP address", async () => {
    const keys = [{ id: 'office', key: KEY, allowedIps: ['203.0.113.0/24'] }]
    const from = { headers: { 'x-forwarded-for': '203.0.113.9' } }
    const statuses = [true, false].map(async (trustProxy) => {
      const app = Fastify({ trustProxy })
      app.register(fastifyRelay(relayHere({ keys })), { prefix: '/v1' })
      const { baseURL } = await serve(app)
      return (await post(`${baseURL}/chat/completions`, question, from.headers)).status
    })
    expect(await Promise.all(statuses)).toEqual([200, 401])
  })

  test("keeps its own 404, and adds the headers of the app's hooks to the relay's answers", async () => {
    const app = Fastify()
    app.setNotFoundHandler((_request, reply) => reply.code(404).send('nothing here'))
    app.addHook('onRequest', async (_request, reply) => void reply.header('x-app', 'yes'))
    app.register(fastifyRelay(relayHere()), { prefix: '/v1' })
    const { baseURL } = await serve(app)
    const response = await post(`${baseURL}/chat/completions`)
    expect([response.status, response.headers.get('x-app')]).toEqual([200, 'yes'])
    const lost = await post(`${baseURL}/nothing`)
    expect([lost.status, await lost.text()]).toEqual([404, 'nothing here'])
  })

  test('may have routes beside and below the mount, and a route for all preflights', async () => {
    const app = Fastify()
    app.options('*', async () => 'preflight')
    app.register(fastifyRelay(relayHere()))
    app.get('/v1/own', async () => 'own')
    const { baseURL } = await serve(app)
    expect((await post(`${baseURL}/chat/completions`)).status).toBe(200)
    expect(await (await fetch(`${baseURL}/own`)).text()).toBe('own')
    expect(await (await fetch(`${baseURL}/chat/completions`, { method: 'OPTIONS' })).text()).toBe('preflight')
  })
})
