/**
 * Forwards requests that the relay does not read, such as files and batches, by http-proxy-3.
 * @module modelmount/passthrough
 */
import { Agent as HttpAgent, type IncomingMessage, type ServerResponse } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { pipeline } from 'node:stream'
import httpProxy from 'http-proxy-3'
import type { Forwarding, Relay } from '../src/index.js'
import { NodeRelayRequest, sendResponse } from './node-http.js'
import { keepOnly, readErrorBody, selectHeaders } from './proxied-response.js'

/** Request headers that go on to the provider, besides its key. */
const REQUEST_HEADERS = new Set([
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
/** Response headers that reach the client, besides the relay's own. */
const RESPONSE_HEADERS = [
  'content-type',
  'content-length',
  'content-disposition',
  'content-range',
  'accept-ranges',
  'etag',
  'last-modified',
]

type Next = (error?: unknown) => void
/** Express or Connect middleware. Without `next` it is a request listener. */
export type Passthrough = (
  req: IncomingMessage & { originalUrl?: string; baseUrl?: string },
  res: ServerResponse,
  next?: Next,
) => void

/** Creates middleware that forwards the paths of the config's `forward`, and calls `next()` for all others. Mount it before body parsers. */
export function passthroughRelay(relay: Relay): Passthrough {
  const proxy = new Forwarder()
  return (req, res, next) => {
    const request = new NodeRelayRequest(req, res, { url: req.originalUrl, mount: req.baseUrl })
    const admitting = relay.forward(request)
    if (!admitting) return next?.()
    res.on('close', () => request.client.close())
    admitting
      .then((admitted) => {
        if (request.client.isClosed) return 'target' in admitted ? admitted.end(undefined) : undefined
        return 'target' in admitted ? proxy.forward(req, res, admitted) : sendResponse(req, res, admitted)
      })
      .catch(() => void res.destroy())
  }
}

/** One proxy for all requests, with keep-alive connections. */
class Forwarder {
  readonly #forwardings = new WeakMap<object, Forwarding>()
  readonly #agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) }
  readonly #proxy = httpProxy.createProxyServer({ changeOrigin: true, selfHandleResponse: true, ignorePath: true })

  constructor() {
    // Each request has a listener of its own. Without this one, an error would end the process.
    this.#proxy.on('error', () => undefined)
    this.#proxy.on('econnreset', (_error, _req, res) => this.#forwardings.get(res)?.end(undefined))
    this.#proxy.on('proxyRes', (response, req, res) => {
      const forwarding = this.#forwardings.get(res)
      if (forwarding) deliver(response, req, res as ServerResponse, forwarding)
    })
  }

  forward(req: IncomingMessage, res: ServerResponse, forwarding: Forwarding): void {
    const { target, headers, headersMs } = forwarding
    keepOnly(REQUEST_HEADERS, req.headers)
    this.#forwardings.set(res, forwarding)
    const agent = this.#agents[target.startsWith('https:') ? 'https:' : 'http:']
    const options = { target, headers: { ...headers, 'accept-encoding': 'identity' }, agent, proxyTimeout: headersMs }
    this.#proxy.web(req, res, options, (error) => {
      if (!res.headersSent) sendResponse(req, res, forwarding.refuse('upstream_unreachable', error))
      else forwarding.end(undefined)
    })
  }
}

function deliver(response: IncomingMessage, req: IncomingMessage, res: ServerResponse, forwarding: Forwarding): void {
  const status = response.statusCode ?? 502
  if (status === 401 || status === 403) {
    response.resume()
    return sendResponse(req, res, forwarding.refuse('upstream_refused'))
  }
  const headers = { ...forwarding.responseHeaders, ...selectHeaders(response, RESPONSE_HEADERS) }
  if (status >= 400) {
    // An error body that breaks off must not look complete.
    const onBroken = (): void => {
      forwarding.end(undefined)
      res.destroy()
    }
    deliverError(response, res, forwarding, headers).catch(onBroken)
    return
  }
  res.writeHead(status, headers)
  res.flushHeaders()
  // Here, because `pipeline` tells it only after it has closed the client's connection, since Node 22: as if the client had left.
  response.once('error', () => forwarding.end(undefined))
  // Not `pipe`: when the provider breaks off, the client's connection must end too.
  pipeline(response, res, (error) => forwarding.end(error ? undefined : status))
}

/** Sends a provider's error without secrets. */
async function deliverError(
  response: IncomingMessage,
  res: ServerResponse,
  forwarding: Forwarding,
  headers: Record<string, string>,
): Promise<void> {
  const status = response.statusCode ?? 502
  const body = forwarding.redact(await readErrorBody(response))
  res.writeHead(status, { ...headers, 'content-length': String(body.length) }).end(body)
  forwarding.end(status)
  response.destroy()
}
