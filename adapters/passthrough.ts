/**
 * What the relay does not read, passed on as it is by http-proxy-3: files, batches and the like.
 * @module
 */
import { Agent as HttpAgent, type IncomingMessage, type ServerResponse } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { pipeline } from 'node:stream'
import httpProxy from 'http-proxy-3'
import type { Forwarding, Relay } from '../src/index.js'
import { send } from './node-answer.js'
import { Incoming, type Surroundings } from './node-request.js'
import { headersOf, leaveOnly, readFault } from './proxied.js'

/** Of a request these go on, and the provider's key besides. */
const PASSED = new Set([
  'content-type',
  'content-length',
  'transfer-encoding',
  'accept',
  'range',
  'if-none-match',
  'openai-beta',
  'anthropic-beta',
  'anthropic-version',
])
/** Of an answer these come back, and what the relay tells besides. */
const RETURNED = [
  'content-type',
  'content-length',
  'content-disposition',
  'content-range',
  'accept-ranges',
  'etag',
  'last-modified',
]

type Next = (error?: unknown) => void
/** An Express or Connect middleware, and a request listener where `next` is left out. */
export type Passthrough = (
  req: IncomingMessage & { originalUrl?: string; baseUrl?: string },
  res: ServerResponse,
  next?: Next,
) => void

/** Passes on what the config's `forward` names; all else is left to whoever comes next. Stands before anything that reads bodies. */
export function passthroughRelay(relay: Relay): Passthrough {
  const proxy = new Forwarder()
  return (req, res, next) => {
    const around: Surroundings = { url: req.originalUrl, mount: req.baseUrl }
    const request = new Incoming(req, res, around)
    const asked = relay.forward(request)
    if (!asked) return next?.()
    res.on('close', () => request.client.close())
    asked
      .then((answer) => {
        if (request.client.isClosed) return 'target' in answer ? answer.end(undefined) : undefined
        return 'target' in answer ? proxy.forward(req, res, answer) : send(req, res, answer)
      })
      .catch(() => void res.destroy())
  }
}

/** One proxy for all requests, with connections that are used again. */
class Forwarder {
  readonly #waiting = new WeakMap<object, Forwarding>()
  readonly #agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) }
  readonly #proxy = httpProxy.createProxyServer({ changeOrigin: true, selfHandleResponse: true, ignorePath: true })

  constructor() {
    // Each request has its own listener besides; without one here an error would end the process.
    this.#proxy.on('error', () => undefined)
    this.#proxy.on('econnreset', (_error, _req, res) => this.#waiting.get(res)?.end(undefined))
    this.#proxy.on('proxyRes', (answer, req, res) => {
      const forwarding = this.#waiting.get(res)
      if (forwarding) deliver(answer, { req, res: res as ServerResponse, forwarding })
    })
  }

  forward(req: IncomingMessage, res: ServerResponse, forwarding: Forwarding): void {
    const { target, headers, headersMs } = forwarding
    leaveOnly(PASSED, req.headers)
    this.#waiting.set(res, forwarding)
    const agent = this.#agents[target.startsWith('https:') ? 'https:' : 'http:']
    const options = { target, headers: { ...headers, 'accept-encoding': 'identity' }, agent, proxyTimeout: headersMs }
    this.#proxy.web(req, res, options, (error) => {
      if (!res.headersSent) send(req, res, forwarding.refuse('upstream_unreachable', error))
      else forwarding.end(undefined)
    })
  }
}

interface Delivery {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly forwarding: Forwarding
}

function deliver(answer: IncomingMessage, { req, res, forwarding }: Delivery): void {
  const status = answer.statusCode ?? 502
  if (status === 401 || status === 403) {
    answer.resume()
    return send(req, res, forwarding.refuse('upstream_refused'))
  }
  const headers = { ...forwarding.responseHeaders, ...headersOf(answer, RETURNED) }
  if (status >= 400) {
    // One that breaks off cannot be told for whole.
    const broken = (): void => {
      forwarding.end(undefined)
      res.destroy()
    }
    explain(answer, { res, forwarding, status, headers }).catch(broken)
    return
  }
  res.writeHead(status, headers)
  res.flushHeaders()
  // Not `pipe`: when the provider breaks off, so must we, or the client would wait for ever.
  pipeline(answer, res, (error) => forwarding.end(error ? undefined : status))
}

interface Fault extends Omit<Delivery, 'req'> {
  readonly status: number
  readonly headers: Record<string, string>
}

/** An error is told without the provider's secrets in it. */
async function explain(answer: IncomingMessage, { res, forwarding, status, headers }: Fault): Promise<void> {
  const body = forwarding.redact(await readFault(answer))
  res.writeHead(status, { ...headers, 'content-length': String(body.length) }).end(body)
  forwarding.end(status)
  answer.destroy()
}
