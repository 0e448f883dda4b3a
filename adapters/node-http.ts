import { type IncomingHttpHeaders, type IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import {
  answerUnknownPath,
  type ByteChunks,
  type ByteSink,
  ClientConnection,
  type Relay,
  RelayError,
  type RelayRequest,
  type RelayResponse,
  tooLarge,
} from '../src/index.js'
import { BodyBuffer } from './body-buffer.js'

/** A request of `node:http` or `node:http2`. */
export type NodeRequest = IncomingMessage | Http2ServerRequest
/** The response that goes with it. */
export type NodeResponse = ServerResponse | Http2ServerResponse

/** What a framework knows of a request besides Node's own object. */
export interface RequestOptions {
  /** Path and query as the client sent them. */
  readonly url?: string | undefined
  /** The part of the path that the framework's router has consumed. */
  readonly mount?: string | undefined
  /** The framework's request or context, for `authenticate`. The relay trusts its `ip`. */
  readonly host?: { readonly ip?: unknown } | undefined
  /** Where the framework's parser has left a body that it has read. */
  readonly parsed?: ParsedBody | undefined
  /** The client waits for a "100 Continue" that Node has not sent. */
  readonly awaitsContinue?: boolean
}

/** A body as a framework's parser left it. The relay prefers `rawBody`: a parsed object must be serialized again. */
export interface ParsedBody {
  readonly body?: unknown
  readonly rawBody?: unknown
}

/** Creates a request listener: `http.createServer(nodeRelay(relay))`. Any other path gets a 404. */
export function nodeRelay(relay: Relay): (req: NodeRequest, res: NodeResponse) => void {
  return (req, res) => {
    const request = new NodeRelayRequest(req, res, { mount: '' })
    if (!respond(relay, request, req, res)) sendResponse(req, res, answerUnknownPath(request))
  }
}

/** The part of a server that {@link attachRelay} uses. */
export interface AttachableServer {
  emit(event: string | symbol, ...values: unknown[]): boolean
  listenerCount(event: string): number
  on(event: 'checkContinue', listener: (req: NodeRequest, res: NodeResponse) => void): unknown
}

/**
 * Answers the relay's paths before the server's own listeners see them, in whatever order listeners are added. All other
 * requests reach them as before. So the relay's requests skip the framework. Express alone costs more per request
 * than the relay.
 */
export function attachRelay(server: AttachableServer, relay: Relay): void {
  const emit = server.emit
  server.emit = (event, ...values) => {
    if (event !== 'request' && event !== 'checkContinue') return emit.call(server, event, ...values)
    const [req, res] = values as [NodeRequest, NodeResponse]
    const responding = handleNode(relay, req, res, { awaitsContinue: event === 'checkContinue' })
    return responding !== undefined || emit.call(server, event, ...values)
  }
  // With this listener, Node leaves "100 Continue" to the relay, which can refuse a request before its body is sent.
  server.on('checkContinue', (req, res) => {
    // If the host has a listener of its own, that one decides.
    if (server.listenerCount('checkContinue') > 1) return
    res.writeContinue()
    emit.call(server, 'request', req, res)
  })
}

/** Answers one request. Returns undefined, and leaves the request untouched, for a path that is not the relay's. Resolves when the answer has begun. */
export function handleNode(
  relay: Relay,
  req: NodeRequest,
  res: NodeResponse,
  options: RequestOptions = {},
): Promise<void> | undefined {
  return respond(relay, new NodeRelayRequest(req, res, options), req, res)
}

function respond(
  relay: Relay,
  request: NodeRelayRequest,
  req: NodeRequest,
  res: NodeResponse,
): Promise<void> | undefined {
  const responding = relay.handle(request)
  if (!responding) return undefined
  // Node emits `close` after complete responses too, which is harmless. HTTP/2 reports aborted responses as finished, so
  // they cannot be told apart.
  const onClose = (): void => request.client.close()
  res.on('close', onClose)
  // A response that waits behind another on the same connection has no socket yet, and gets no event when it closes.
  if (!res.socket) {
    req.socket?.on('close', onClose)
    res.on('close', () => req.socket?.off('close', onClose))
  }
  return responding.then((response) => {
    try {
      if (!request.client.isClosed) sendResponse(req, res, response)
    } catch {
      // Most likely from a response that the host wraps. It must not end the process.
      res.destroy()
    }
  })
}

/** A Node request as the relay reads it. */
export class NodeRelayRequest implements RelayRequest {
  readonly client: ClientConnection = new ClientConnection()
  readonly #req: NodeRequest
  readonly #res: NodeResponse
  readonly #options: RequestOptions

  constructor(req: NodeRequest, res: NodeResponse, options: RequestOptions) {
    this.#req = req
    this.#res = res
    this.#options = options
  }

  get method(): string {
    return this.#req.method ?? 'GET'
  }

  get url(): string {
    return this.#options.url ?? this.#req.url ?? '/'
  }

  get mount(): string | undefined {
    return this.#options.mount
  }

  get headers(): IncomingHttpHeaders {
    return this.#req.headers
  }

  get ip(): string | undefined {
    const trusted = this.#options.host?.ip
    return typeof trusted === 'string' ? trusted : this.#req.socket?.remoteAddress
  }

  get host(): unknown {
    return this.#options.host ?? this.#req
  }

  get parsedBody(): unknown {
    if (!this.#req.readableDidRead) return undefined
    const { rawBody, body } = this.#options.parsed ?? (this.#req as ParsedBody)
    return rawBody ?? body
  }

  read(maxBytes: number, inChunks?: boolean): Promise<ByteChunks> {
    const req = this.#req
    const announcedBytes = Number(req.headers['content-length'] ?? 0)
    if (announcedBytes > maxBytes) return Promise.reject(tooLarge(maxBytes))
    if (req.readableDidRead)
      return Promise.reject(
        new RelayError(
          'internal',
          'The host has read the body and not kept it. Mount the relay before the body parser, or keep `req.body`.',
        ),
      )
    if (this.#options.awaitsContinue) this.#res.writeContinue()
    return new Promise((resolve, reject) => {
      const body = new BodyBuffer(inChunks ? 0 : announcedBytes)
      const fail = (error: RelayError): void => {
        body.drop()
        reject(error)
      }
      const onDisconnect = (): void =>
        fail(new RelayError('client_left', 'The client disconnected before its request was complete.'))
      this.client.listener = { onDisconnect }
      if (this.client.isClosed) onDisconnect()
      req.on('data', (chunk: Buffer) => {
        if (body.size + chunk.length <= maxBytes) body.add(chunk)
        else fail(tooLarge(maxBytes))
      })
      req.on('end', () => {
        this.client.listener = undefined
        resolve(body.take())
      })
      // A broken connection also emits `close`, which is handled.
      req.on('error', ignoreError)
    })
  }
}

/** Writes a response: a whole body at once, a stream as it arrives, with backpressure. */
export function sendResponse(req: NodeRequest, res: NodeResponse, { status, headers, body }: RelayResponse): void {
  if (res.headersSent) {
    res.destroy()
    return
  }
  if (!req.complete) discardRequestBody(req, res)
  res.writeHead(status, headers)
  if (body === undefined || req.method === 'HEAD') res.end()
  else if (Buffer.isBuffer(body)) endWith(res, body)
  else {
    res.on('drain', () => body.resume())
    body.start(createSink(res))
  }
}

/** Longer bodies cost more to copy than a second buffer costs to write. */
const MAX_COPIED_BYTES = 16 * 1024
const plainEnd = ServerResponse.prototype.end

/**
 * Ends a response with a body. Node joins a short text with the head and writes both as one, which it does not do with a
 * buffer. A host that wraps `end` gets the buffer, because it may not look at the encoding.
 */
function endWith(res: NodeResponse, body: Buffer): void {
  if (body.length <= MAX_COPIED_BYTES && res.end === plainEnd) res.end(body.toString('latin1'), 'latin1')
  else res.end(body)
}

/** The signature of `write` that HTTP/1 and HTTP/2 responses share. */
type Write = (bytes: Buffer) => boolean

function createSink(res: NodeResponse): ByteSink {
  // The `compression` middleware adds its own `flush`, without which it would hold records back.
  const flush = Object.hasOwn(res, 'flush') && 'flush' in res && typeof res.flush === 'function' ? res.flush : undefined
  const write: Write = res.write.bind(res)
  const abort = (): void => void res.destroy()
  // A response that the host wraps may throw. That ends the call as if the client had left.
  return {
    write(bytes) {
      try {
        const canTakeMore = write(bytes)
        flush?.call(res)
        return canTakeMore
      } catch {
        abort()
        return true
      }
    },
    end() {
      try {
        res.end()
      } catch {
        abort()
      }
    },
    abort,
  }
}

/** How long a socket may stay open after its last answer. */
export const CLOSE_TIMEOUT_MS = 1000
const MAX_DISCARDED_BYTES = 1024 * 1024

/**
 * Handles an answer that is sent before the request's body has arrived, such as 401. Closing at once would reset the
 * connection and lose the answer. Reading to the end would let a client send without limit. So it reads up to 1 MiB, or
 * for one second, and then closes.
 */
function discardRequestBody(req: NodeRequest, res: NodeResponse): void {
  let discardedBytes = 0
  const close = (): void => void req.socket?.destroy()
  res.on('finish', () => {
    if (req.complete) return
    const timer = setTimeout(close, CLOSE_TIMEOUT_MS)
    req.on('data', (chunk: Buffer) => {
      discardedBytes += chunk.length
      if (discardedBytes > MAX_DISCARDED_BYTES) close()
    })
    req.on('error', ignoreError)
    req.on('close', () => clearTimeout(timer))
    req.on('end', () => clearTimeout(timer))
    req.resume()
  })
}

function ignoreError(): void {}
