/**
 * The relay as a fetch function: for hosts that speak `Request` and `Response` (Hono, Next.js, Bun, Deno), and for SDKs
 * that take a `fetch` of their own, which then need no network at all.
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http'
import {
  answerUnknownPath,
  type ByteChunks,
  type ByteStream,
  ClientConnection,
  type Relay,
  RelayError,
  type RelayRequest,
  type RelayResponse,
  tooLarge,
} from '../src/index.js'
import { Gathering } from './gathering.js'

/** `fetch`-shaped. With a `Request`, what follows is not looked at: hosts put their own things there. */
export interface RelayFetch {
  (input: Request | URL | string, init?: RequestInit): Promise<Response>
  /** As hosts call it: Next.js with its route's parameters, Bun with its server, Workers with their environment. */
  (request: Request, ...more: unknown[]): Promise<Response>
}

/** A function in the place of `fetch`, which never rejects but for the caller's own abort. What is not the relay's is a 404. */
export function fetchRelay(relay: Relay): RelayFetch {
  return async (input: Request | URL | string, init?: unknown) => {
    const given = input instanceof Request ? input : new Request(input, init as RequestInit)
    const request = new Fetched(given, { mount: '' })
    const response = await (relay.handle(request) ?? answerUnknownPath(request))
    request.signal.throwIfAborted()
    return toResponse(response, request)
  }
}

/** What a framework knows of a request beyond `Request`. */
export interface FetchSurroundings {
  /** The part of the path that the framework's router has matched. */
  readonly mount?: string | undefined
  /** The client's address, as far as the host is to be believed. */
  readonly ip?: string | undefined
  /** The framework's context, for `authenticate`. */
  readonly host?: unknown
  /** A body that the framework has read already. */
  readonly parsed?: unknown
}

/** Answers one request; undefined if it is not the relay's, and then it is untouched. */
export function handleFetch(
  relay: Relay,
  request: Request,
  around: FetchSurroundings = {},
): Promise<Response> | undefined {
  const fetched = new Fetched(request, around)
  return relay.handle(fetched)?.then((response) => toResponse(response, fetched))
}

class Fetched implements RelayRequest {
  readonly method: string
  readonly url: string
  readonly mount: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly client: ClientConnection = new ClientConnection()
  readonly signal: AbortSignal
  readonly ip: string | undefined
  readonly host: unknown
  readonly parsedBody: unknown
  readonly #request: Request

  constructor(request: Request, { mount, ip, host = request, parsed }: FetchSurroundings) {
    const { pathname, search } = new URL(request.url)
    this.method = request.method
    this.url = pathname + search
    this.headers = Object.fromEntries(request.headers)
    this.signal = request.signal
    this.mount = mount
    this.ip = ip
    this.host = host
    this.parsedBody = parsed
    this.#request = request
    if (this.signal.aborted) this.client.close()
    else this.signal.addEventListener('abort', () => this.client.close(), { once: true })
  }

  async read(limit: number, inPieces?: boolean): Promise<ByteChunks> {
    const announced = Number(this.headers['content-length'] ?? 0)
    if (announced > limit) throw tooLarge(limit)
    if (this.#request.bodyUsed) throw new RelayError('internal', 'The host has read the body and kept nothing of it.')
    const reader = this.#request.body?.getReader()
    this.client.listener = { onDisconnect: () => void reader?.cancel().catch(() => undefined) }
    const body = new Gathering(inPieces ? 0 : announced)
    for (let piece = await reader?.read(); piece?.value; piece = await reader?.read()) {
      const { buffer, byteOffset, byteLength } = piece.value
      if (body.size + byteLength > limit) throw tooLarge(limit)
      body.add(Buffer.from(buffer, byteOffset, byteLength))
    }
    this.client.listener = undefined
    if (this.client.isClosed) throw new RelayError('client_left', 'The client left before its request was whole.')
    return body.whole()
  }
}

function toResponse({ status, headers, body }: RelayResponse, request: Fetched): Response {
  if (body === undefined || request.method === 'HEAD') return new Response(null, { status, headers })
  return new Response(Buffer.isBuffer(body) ? body : toReadable(body, request), { status, headers })
}

function toReadable(stream: ByteStream, { client, signal }: Fetched): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      // A server that sees its client leave cancels the stream itself, and would take an error before that for a fault.
      const fail = (): void => queueMicrotask(() => controller.error(signal.reason))
      signal.addEventListener('abort', fail, { once: true })
      stream.start({
        write(bytes) {
          if (!client.isClosed) controller.enqueue(bytes)
          return (controller.desiredSize ?? 0) > 0
        },
        end() {
          if (!client.isClosed) controller.close()
        },
        abort: () => controller.error(new Error('the provider broke off its answer')),
      })
    },
    pull: () => stream.resume(),
    cancel: () => client.close(),
  })
}
