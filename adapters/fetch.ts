/**
 * The relay as a fetch function: for hosts with `Request` and `Response` (Hono, Next.js, Bun, Deno), and for SDKs that
 * accept a `fetch`, which then need no network.
 * @module modelmount/fetch
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
import { BodyBuffer } from './body-buffer.js'

/** Has the shape of `fetch`. After a `Request`, further arguments are ignored: hosts pass their own there. */
export interface RelayFetch {
  (input: Request | URL | string, init?: RequestInit): Promise<Response>
  /** How hosts call it: Next.js with route parameters, Bun with its server, Workers with their environment. */
  (request: Request, ...more: unknown[]): Promise<Response>
}

/** Creates a function that replaces `fetch`. It rejects only when the caller aborts. Any other path gets a 404. */
export function fetchRelay(relay: Relay): RelayFetch {
  return async (input: Request | URL | string, init?: unknown) => {
    const fetchRequest = input instanceof Request ? input : new Request(input, init as RequestInit)
    const request = new FetchRelayRequest(fetchRequest, { mount: '' })
    const response = await (relay.handle(request) ?? answerUnknownPath(request))
    request.signal.throwIfAborted()
    return toResponse(response, request)
  }
}

/** What a framework knows of a request besides `Request`. */
export interface FetchOptions {
  /** The part of the path that the framework's router has matched. */
  readonly mount?: string | undefined
  /** The client's address, as the host trusts it. */
  readonly ip?: string | undefined
  /** The framework's context, for `authenticate`. */
  readonly host?: unknown
  /** A body that the framework has already read. */
  readonly parsed?: unknown
}

/** Answers one request. Returns undefined, and leaves the request untouched, for a path that is not the relay's. */
export function handleFetch(relay: Relay, request: Request, options: FetchOptions = {}): Promise<Response> | undefined {
  const relayRequest = new FetchRelayRequest(request, options)
  return relay.handle(relayRequest)?.then((response) => toResponse(response, relayRequest))
}

class FetchRelayRequest implements RelayRequest {
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

  constructor(request: Request, { mount, ip, host = request, parsed }: FetchOptions) {
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

  async read(maxBytes: number, inChunks?: boolean): Promise<ByteChunks> {
    const announcedBytes = Number(this.headers['content-length'] ?? 0)
    if (announcedBytes > maxBytes) throw tooLarge(maxBytes)
    if (this.#request.bodyUsed)
      throw new RelayError(
        'internal',
        'The host has read the body and not kept it. Pass the request to the relay before reading its body.',
      )
    const reader = this.#request.body?.getReader()
    this.client.listener = { onDisconnect: () => void reader?.cancel().catch(() => undefined) }
    const body = new BodyBuffer(inChunks ? 0 : announcedBytes)
    for (let chunk = await reader?.read(); chunk?.value; chunk = await reader?.read()) {
      const { buffer, byteOffset, byteLength } = chunk.value
      if (body.size + byteLength > maxBytes) throw tooLarge(maxBytes)
      body.add(Buffer.from(buffer, byteOffset, byteLength))
    }
    this.client.listener = undefined
    if (this.client.isClosed)
      throw new RelayError('client_left', 'The client disconnected before its request was complete.')
    return body.take()
  }
}

function toResponse({ status, headers, body }: RelayResponse, request: FetchRelayRequest): Response {
  if (body === undefined || request.method === 'HEAD') return new Response(null, { status, headers })
  return new Response(Buffer.isBuffer(body) ? body : toReadable(body, request), { status, headers })
}

function toReadable(stream: ByteStream, { client, signal }: FetchRelayRequest): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      // When the client disconnects, a server cancels the stream itself. An earlier error would look like a failure.
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
