import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import http2 from 'node:http2'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { type ExpressRequest, expressRelay } from '../adapters/express.js'
import { fastifyRelay } from '../adapters/fastify.js'
import { fetchRelay } from '../adapters/fetch.js'
import { honoRelay } from '../adapters/hono.js'
import { type KoaContext, koaRelay } from '../adapters/koa.js'
import { attachRelay, nodeRelay } from '../adapters/node.js'
import type { Relay } from '../src/index.js'
import { listen, type Mounted } from './listen.js'

/** One way to put a relay into an app. */
export interface Mount {
  readonly name: string
  /** Whether the app answers `/hello` itself. Otherwise the relay answers 404 there. */
  readonly hasHost: boolean
  readonly start: (relay: Relay) => Promise<Mounted>
}

/** The part of Express that the tests use. Its types would be one more dependency. */
export interface ExpressApp {
  (...values: Parameters<RequestListener>): void
  use(path: string | ExpressMiddleware, ...more: ExpressMiddleware[]): void
  get(path: string, answer: (req: ExpressRequest, res: { send(text: string): void }) => void): void
  set(name: string, value: unknown): void
}
export type ExpressMiddleware = (
  req: ExpressRequest & { user?: string },
  res: Parameters<RequestListener>[1],
  next: (error?: unknown) => void,
) => void
export interface Express {
  (): ExpressApp
  json(options?: object): ExpressMiddleware
}
export interface KoaApp {
  use(middleware: (ctx: KoaContext & { body: unknown; path: string }, next: () => Promise<unknown>) => unknown): void
  on(event: 'error', listener: (error: Error) => void): void
  callback(): RequestListener
}
export type Koa = new () => KoaApp

const require = createRequire(import.meta.url)
export const express5: Express = require('express')
export const express4: Express = require('express4')
export const koa3: Koa = require('koa')
export const koa2: Koa = require('koa2')
export const compression: () => ExpressMiddleware = require('compression')
export const koaBodyparser: () => Parameters<KoaApp['use']>[0] = require('koa-bodyparser')

const servers = (listener: RequestListener): Server => createServer(listener)

function inExpress(express: Express, mount: string | undefined, path: string): Mount['start'] {
  return (relay) => {
    const app = express()
    if (mount === undefined) app.use(expressRelay(relay))
    else app.use(mount, expressRelay(relay))
    app.get('/hello', (_req, res) => res.send('the host'))
    return listen(servers(app), path)
  }
}

function inKoa(Koa: Koa, path: string): Mount['start'] {
  return (relay) => {
    const app = new Koa()
    // Koa emits an error for every client that resets its connection.
    app.on('error', () => undefined)
    app.use(koaRelay(relay))
    app.use((ctx) => {
      if (ctx.path === '/hello') ctx.body = 'the host'
    })
    return listen(servers(app.callback()), path)
  }
}

function inFastify(prefix: string | undefined, path: string): Mount['start'] {
  return async (relay) => {
    const app = Fastify()
    app.register(fastifyRelay(relay), prefix === undefined ? {} : { prefix })
    app.get('/hello', async () => 'the host')
    await app.ready()
    return listen(app.server, path)
  }
}

function inHono(pattern: string | undefined, path: string): Mount['start'] {
  return async (relay) => {
    const app = new Hono()
    if (pattern === undefined) app.use(honoRelay(relay))
    else app.all(pattern, honoRelay(relay))
    app.get('/hello', (context) => context.text('the host'))
    return { baseURL: `http://app${path}`, fetch: fetchOf(app), close: async () => undefined }
  }
}

/** A Hono app's `fetch`, in process. Like the network, it rejects with nothing but an abort after the caller aborts. */
export function fetchOf(app: Hono): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const response = await app.fetch(request)
    request.signal.throwIfAborted()
    return response
  }
}

async function attached(relay: Relay): Promise<Mounted> {
  const server = createServer((_req, res) => res.end('the host'))
  attachRelay(server, relay)
  return listen(server)
}

async function overHttp2(relay: Relay): Promise<Mounted> {
  const server = http2.createServer(nodeRelay(relay))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const session = http2.connect(origin)
  return {
    baseURL: `${origin}/v1`,
    fetch: http2Fetch(session),
    async close() {
      session.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** `fetch` over one HTTP/2 session: as much of it as the SDK needs. */
function http2Fetch(session: http2.ClientHttp2Session): typeof fetch {
  return async (input, init) => {
    const { pathname, search } = new URL(input instanceof Request ? input.url : input)
    const { signal, method = 'GET', body } = init ?? {}
    const headers = Object.fromEntries(new Headers(init?.headers))
    const stream = session.request({ ':method': method, ':path': pathname + search, ...headers })
    const abort = (): void => void stream.destroy(new DOMException('aborted', 'AbortError'))
    signal?.addEventListener('abort', abort)
    if (body) stream.end(body instanceof Uint8Array ? body : String(body))
    const [{ ':status': status, ...received }] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
    stream.on('error', () => undefined)
    const plain = Object.entries(received).map(([name, value]): [string, string] => [name, String(value)])
    return new Response(Readable.toWeb(stream) as ReadableStream, { status: Number(status), headers: plain })
  }
}

/** Every way to mount a relay that the package promises. */
export const mounts: readonly Mount[] = [
  { name: 'node', hasHost: false, start: (relay) => listen(createServer(nodeRelay(relay))) },
  { name: 'node, attached in front', hasHost: true, start: attached },
  { name: 'express 5 at /v1', hasHost: true, start: inExpress(express5, '/v1', '/v1') },
  { name: 'express 5 at /ai, no version', hasHost: true, start: inExpress(express5, '/ai', '/ai') },
  { name: 'express 5 at the root', hasHost: true, start: inExpress(express5, undefined, '/v1') },
  { name: 'express 4 at /v1', hasHost: true, start: inExpress(express4, '/v1', '/v1') },
  { name: 'express 4 at /ai, with version', hasHost: true, start: inExpress(express4, '/ai', '/ai/v1') },
  { name: 'koa 3', hasHost: true, start: inKoa(koa3, '/v1') },
  { name: 'koa 2 under a longer path', hasHost: true, start: inKoa(koa2, '/api/v1') },
  { name: 'fastify at /v1', hasHost: true, start: inFastify('/v1', '/v1') },
  { name: 'fastify at /ai, no version', hasHost: true, start: inFastify('/ai', '/ai') },
  { name: 'fastify at the root', hasHost: true, start: inFastify(undefined, '/v1') },
  { name: 'hono at /v1', hasHost: true, start: inHono('/v1/*', '/v1') },
  { name: 'hono at /ai, no version', hasHost: true, start: inHono('/ai/*', '/ai') },
  { name: 'hono at the root', hasHost: true, start: inHono(undefined, '/v1') },
  {
    name: 'fetch, in process',
    hasHost: false,
    start: async (relay) => ({
      baseURL: 'http://relay/v1',
      fetch: fetchRelay(relay) as typeof fetch,
      close: async () => undefined,
    }),
  },
  { name: 'http2', hasHost: false, start: overHttp2 },
]
