import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import http2 from 'node:http2'
import { createRequire } from 'node:module'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import Fastify from 'fastify'
import { Hono } from 'hono'
import OpenAI from 'openai'
import { type ExpressRequest, expressRelay } from '../adapters/express.js'
import { fastifyRelay } from '../adapters/fastify.js'
import { fetchRelay } from '../adapters/fetch.js'
import { honoRelay } from '../adapters/hono.js'
import { type KoaContext, koaRelay } from '../adapters/koa.js'
import { attachRelay, nodeRelay } from '../adapters/node.js'
import { createRelay, type Relay, type RelayOptions } from '../src/index.js'
import { answerJson, answerStream, completion, type Script, streamed } from './upstream.js'

/** The key of the default caller. */
export const KEY = 'sk-caller-00000001'

/** A relay that can be called. */
export interface Mounted {
  /** Includes `/v1`, as SDKs require. */
  readonly baseURL: string
  /** Sends requests to it: over the network, in process, or over HTTP/2. */
  readonly fetch: typeof fetch
  readonly close: () => Promise<void>
}

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

/** Listens on a free port of this machine. */
export async function listen(server: Server, path = '/v1'): Promise<Mounted & { readonly port: number }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    baseURL: `http://127.0.0.1:${port}${path}`,
    port,
    fetch,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

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

/** A relay with the tests' key, silent, quick to try again; `more` is laid over that. */
export function testRelay(more: Partial<RelayOptions> & Pick<RelayOptions, 'providers'>): Relay {
  return createRelay({
    keys: [{ id: 'alice', key: KEY }],
    retry: { minDelayMs: 10, maxDelayMs: 1000 },
    logger: false,
    ...more,
  })
}

/** A relay with one model, `m`, at one upstream. */
export function relayTo(upstream: { readonly baseURL: string }, more: Partial<RelayOptions> = {}): Relay {
  return testRelay({ providers: { up: provider(upstream) }, models: { m: 'up/real' }, shutdownMs: 0, ...more })
}

/** An upstream as a provider: any OpenAI-compatible server. */
export function provider(
  { baseURL }: { readonly baseURL: string },
  more: Partial<RelayOptions['providers'][string]> = {},
): RelayOptions['providers'][string] {
  return { type: 'openai-compatible', baseURL, ...more }
}

/** The official SDK, without its own retries. */
export function sdk({ baseURL, fetch }: Pick<Mounted, 'baseURL' | 'fetch'>, apiKey: string = KEY): OpenAI {
  return new OpenAI({ baseURL, apiKey, maxRetries: 0, fetch })
}

/** A chat request for the model `m`. */
export function ask(words = 'hi'): { model: string; messages: { role: 'user'; content: string }[] } {
  return { model: 'm', messages: [{ role: 'user', content: words }] }
}

/** The whole text of a streamed answer. */
export async function streamedText(client: OpenAI, signal?: AbortSignal): Promise<string> {
  const stream = await client.chat.completions.create({ ...ask(), stream: true }, signal ? { signal } : {})
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  return text
}

/** Answers with these words, as a stream if the request asks for one. */
export function says(...words: string[]): Script {
  const whole = answerJson(completion(words.join('')))
  const stream = answerStream(streamed(...words))
  return (req, res, seen) => (/"stream":\s*true/.test(seen.body) ? stream : whole)(req, res, seen)
}

/** Waits until a condition holds. @throws if it does not hold in time */
export async function until(so: () => boolean, ms = 2000): Promise<void> {
  const end = performance.now() + ms
  while (!so()) {
    if (performance.now() > end) throw new Error(`not so after ${ms} ms: ${so}`)
    await pause(2)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** A TCP connection for raw bytes. */
export interface RawConnection {
  readonly socket: Socket
  /** The bytes received so far, as Latin-1. */
  text(): string
  /** Resolves with all received bytes when the connection closes. */
  readonly closed: Promise<string>
}

export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  const text = (): string => Buffer.concat(chunks).toString('latin1')
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => undefined)
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(text())))
  await once(socket, 'connect')
  return { socket, text, closed }
}

/** Closes everything that a test has opened, in reverse order. */
export class Cleanup {
  readonly #tasks: (() => unknown)[] = []

  add<Thing extends { close(): unknown }>(thing: Thing): Thing {
    this.#tasks.push(() => thing.close())
    return thing
  }

  async run(): Promise<void> {
    for (const task of this.#tasks.splice(0).reverse()) await task()
  }
}
