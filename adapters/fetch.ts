/**
 * The relay as a fetch function: for hosts that speak `Request` and `Response` (Hono, Next.js, Bun, Deno), and for SDKs
 * that take a `fetch` of their own, which then need no network at all.
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http'
import {
  answerUnknownPath,
  type ByteStream,
  Departure,
  type Relay,
  RelayError,
  type RelayRequest,
  type RelayResponse,
  tooLarge,
} from '../src/index.js'

/**
 * `fetch`-shaped, and never rejects but for the caller's own abort. With a `Request`, what follows is not looked at:
 * hosts put their own things there (Bun its server, Workers their environment).
 */
export function fetchRelay(relay: Relay): (input: Request | URL | string, init?: RequestInit) => Promise<Response> {
  return async (input, init) => {
    const request = new Fetched(input instanceof Request ? input : new Request(input, init))
    const response = await (relay.handle(request) ?? answerUnknownPath(request))
    request.signal.throwIfAborted()
    return toResponse(response, request)
  }
}

class Fetched implements RelayRequest {
  readonly method: string
  readonly url: string
  readonly mount = ''
  readonly headers: IncomingHttpHeaders
  readonly departure: Departure = new Departure()
  readonly signal: AbortSignal
  readonly host: Request

  constructor(request: Request) {
    const { pathname, search } = new URL(request.url)
    this.method = request.method
    this.url = pathname + search
    this.headers = Object.fromEntries(request.headers)
    this.signal = request.signal
    this.host = request
    if (this.signal.aborted) this.departure.leave()
    else this.signal.addEventListener('abort', () => this.departure.leave(), { once: true })
  }

  async read(limit: number): Promise<Buffer> {
    if (Number(this.headers['content-length'] ?? 0) > limit) throw tooLarge(limit)
    if (this.host.bodyUsed) throw new RelayError('internal', 'The host has read the body and kept nothing of it.')
    const reader = this.host.body?.getReader()
    this.departure.waiter = { clientLeft: () => void reader?.cancel().catch(() => undefined) }
    const chunks: Uint8Array[] = []
    let size = 0
    for (let piece = await reader?.read(); piece?.value; piece = await reader?.read()) {
      size += piece.value.length
      if (size > limit) throw tooLarge(limit)
      chunks.push(piece.value)
    }
    this.departure.waiter = undefined
    if (this.departure.left) throw new RelayError('client_left', 'The client left before its request was whole.')
    return Buffer.concat(chunks, size)
  }
}

function toResponse({ status, headers, body }: RelayResponse, request: Fetched): Response {
  if (body === undefined || request.method === 'HEAD') return new Response(null, { status, headers })
  return new Response(Buffer.isBuffer(body) ? body : toReadable(body, request), { status, headers })
}

function toReadable(stream: ByteStream, { departure, signal }: Fetched): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      signal.addEventListener('abort', () => controller.error(signal.reason), { once: true })
      stream.flow({
        write(bytes) {
          if (!departure.left) controller.enqueue(bytes)
          return (controller.desiredSize ?? 0) > 0
        },
        end() {
          if (!departure.left) controller.close()
        },
        cut: () => controller.error(new Error('the provider broke off its answer')),
      })
    },
    pull: () => stream.resume(),
    cancel: () => departure.leave(),
  })
}
