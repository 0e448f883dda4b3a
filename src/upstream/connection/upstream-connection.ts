import Pool from 'undici/lib/dispatcher/pool.js'
import { RelayError } from '../../errors.js'
import { type ByteChunks, chunksLength, joinChunks } from '../../lib/byte-chunks.js'
import type { Deadline, DeadlineTimer } from '../../lib/time.js'
import type { StreamFormat } from '../../providers/request-format.js'
import type { BaseUrl } from '../../targets.js'
import type { BodyConsumer } from '../attempt/attempt-events.js'
import { toAnswerError, toConnectionError } from '../attempt/failures.js'
import { BodyDecoder } from './body-decoder.js'
import { type ResponseHead, readHead } from './headers.js'
import { type Sign, signedHeaders, type UnsignedRequest } from './signing.js'
import { StreamDecoder } from './stream-decoder.js'

/** What the relay uses of `Pool`, `Agent`, `ProxyAgent` and `MockAgent` of undici 7. */
export interface Transport {
  /** `handler` receives the response. Returns false when the transport is busy, which the relay ignores. */
  dispatch(request: TransportRequest, handler: ResponseHandler): boolean
  close(): Promise<void>
  destroy(error?: Error): Promise<void>
}

export interface TransportRequest {
  readonly origin: string
  /** With the query. */
  readonly path: string
  readonly method: 'GET' | 'POST'
  /** Names and values in turn. */
  readonly headers: string[]
  readonly body: Buffer
  readonly headersTimeout: 0
  readonly bodyTimeout: 0
}

/** Receives one response: undici's handler with raw headers, so that headers are decoded only where needed. */
export interface ResponseHandler {
  onConnect(abort: (reason?: Error) => void): void
  onHeaders(status: number, headers: Buffer[], resume: () => void): boolean
  onData(chunk: Buffer): boolean
  onComplete(): void
  onError(error: Error): void
}

interface UpstreamRequest {
  /** The provider's id in the config. */
  readonly provider: string
  readonly baseUrl: BaseUrl
  /** Default: `POST`. */
  readonly method?: 'GET'
  /** Path and query, from the root of the origin. */
  readonly path: string
  readonly headers: readonly string[]
  readonly body: ByteChunks
  readonly connectMs: number
}

/** The connection pools: one per base URL, opened at its first request. */
export class ConnectionPools {
  readonly #pools = new Map<string, Transport>()
  /** The host's own transport, in place of the pools. */
  readonly #transport: Transport | undefined
  readonly #sign: Sign | undefined
  #closed: RelayError | undefined

  constructor(transport: Transport | undefined, sign?: Sign) {
    this.#transport = transport
    this.#sign = sign
  }

  /** Sends a request; the handler receives the response or the error. */
  send(request: UpstreamRequest, handler: ResponseHandler): void {
    if (!this.#sign) return this.#dispatch(request, request.headers, handler)
    const { provider, baseUrl, method = 'POST', path, headers } = request
    const body = joinChunks(request.body)
    signedHeaders(this.#sign, { provider, method, url: baseUrl.origin + path, headers, body })
      .then((signed) => this.#dispatch({ ...request, body }, signed, handler))
      .catch((error: Error) => handler.onError(error))
  }

  #dispatch(request: UpstreamRequest, headers: readonly string[], handler: ResponseHandler): void {
    if (this.#closed) return handler.onError(this.#closed)
    const { baseUrl, connectMs, path, method = 'POST', body } = request
    this.#transportFor(baseUrl, connectMs).dispatch(
      {
        origin: baseUrl.origin,
        path,
        method,
        headers: (Buffer.isBuffer(body)
          ? headers
          : [...headers, 'content-length', String(chunksLength(body))]) as string[],
        // undici accepts any iterable as a body, though the types of `dispatch` do not say so.
        body: body as Buffer,
        // undici would set timers per request; the relay's own timeouts share one timer.
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      handler,
    )
  }

  /** All headers of a WebSocket handshake, which the pools do not send. Signed where the host signs requests. @throws {RelayError} */
  async headersOf(request: UnsignedRequest): Promise<readonly string[]> {
    return this.#sign ? await signedHeaders(this.#sign, request) : request.headers
  }

  /** Aborts all requests and refuses further ones. Leaves the host's own transport open: the host closes it. */
  async destroy(): Promise<void> {
    const closed = new RelayError('closing', 'The relay is shutting down. Please try again.', { retryAfterMs: 1000 })
    this.#closed = closed
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map((pool) => pool.destroy(closed)))
  }

  #transportFor({ origin, poolKey }: BaseUrl, connectMs: number): Transport {
    if (this.#transport) return this.#transport
    const known = this.#pools.get(poolKey)
    if (known) return known
    // No pipelining: a further answer on the connection would wait behind a stream.
    const made = new Pool(origin, { pipelining: 1, connect: { timeout: connectMs } })
    this.#pools.set(poolKey, made)
    return made
  }
}

/** Receives the events of a connection. */
export interface ConnectionEvents {
  /** The response head has arrived. Returns the consumer of the body. */
  onHead(status: number, head: ResponseHead): BodyConsumer
  /** Bytes have arrived. `canTakeMore`: whether the consumer can take more now. */
  onBytes(canTakeMore: boolean): void
  onComplete(): void
  onFailure(error: RelayError): void
}

/** How long an upstream may take from the end of its answer to the end of its response. */
const END_TIMEOUT_MS = 1000

/**
 * Receives the response of one request: decodes the body, passes it to a consumer, applies backpressure, and can be
 * paused, resumed and aborted.
 */
export class UpstreamConnection implements ResponseHandler, Deadline {
  dueAt: number = Number.POSITIVE_INFINITY
  timerIndex = -1
  readonly #events: ConnectionEvents
  readonly #deadlineTimer: DeadlineTimer
  /** The framing of streams that are not server-sent events. */
  readonly #streamFormat: StreamFormat | undefined
  #abort: (() => void) | undefined
  #resume: (() => void) | undefined
  #consumer: BodyConsumer | undefined
  #bodyDecoder: BodyDecoder | undefined
  #streamDecoder: StreamDecoder | undefined
  /** Chunks of a stream that have arrived in this turn of the event loop. */
  readonly #arrived: Buffer[] = []
  #isStream = false
  /** False from the moment when the consumer of a stream is full until it resumes. */
  #canTakeMore = true
  #isClosed = false
  #isComplete = false

  constructor(events: ConnectionEvents, deadlineTimer: DeadlineTimer, streamFormat?: StreamFormat) {
    this.#events = events
    this.#deadlineTimer = deadlineTimer
    this.#streamFormat = streamFormat
  }

  /** Undefined until the response head has arrived. */
  get consumer(): BodyConsumer | undefined {
    return this.#consumer
  }

  onConnect(abort: () => void): void {
    this.#abort = abort
    if (this.#isClosed) abort()
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    if (status < 200) return true
    this.#resume = resume
    const head = readHead(raw)
    const consumer = this.#consumerFor(status, head)
    if (head.contentEncoding)
      this.#bodyDecoder = new BodyDecoder(head.contentEncoding, consumer, () => this.#onDecoderDrain())
    else this.#isStream = head.contentType.startsWith('text/event-stream')
    this.#consumer = this.#bodyDecoder ?? consumer
    return true
  }

  /** Behind a stream decoder, the stream consists of server-sent events. */
  #consumerFor(status: number, head: ResponseHead): BodyConsumer {
    const format = this.#streamFormat
    if (!format || !head.contentType.startsWith(format.contentType)) return this.#events.onHead(status, head)
    const consumer = this.#events.onHead(status, { ...head, contentType: 'text/event-stream' })
    this.#streamDecoder = new StreamDecoder(format, consumer)
    return this.#streamDecoder
  }

  /** A read from the socket may bring many records, each in a chunk of its own. Passing them on together saves a write for each. */
  onData(chunk: Buffer): boolean {
    if (!this.#isStream) return this.#pass(chunk)
    if (this.#arrived.push(chunk) === 1) process.nextTick(UpstreamConnection.#passArrivedOf, this)
    return this.#canTakeMore
  }

  /** One function for all connections, so that no chunk makes a closure. */
  static readonly #passArrivedOf = (connection: UpstreamConnection): void => connection.#passArrived()

  #passArrived(): void {
    const { length } = this.#arrived
    if (length === 0) return
    const bytes = length === 1 ? (this.#arrived[0] as Buffer) : Buffer.concat(this.#arrived)
    this.#arrived.length = 0
    this.#canTakeMore = this.#pass(bytes)
  }

  #pass(bytes: Buffer): boolean {
    if (this.#isClosed || !this.#consumer) return true
    try {
      // A full consumer gets what arrives before the transport pauses. If that writes nothing, it says nothing of the client.
      const canTakeMore = this.#consumer.write(bytes) && this.#canTakeMore
      this.#events.onBytes(canTakeMore)
      return canTakeMore
    } catch (error) {
      this.#fail(toAnswerError(error))
      return true
    }
  }

  /** Never throws: on the next tick, an exception would end the process. */
  #fail(error: RelayError): void {
    try {
      this.#events.onFailure(error)
    } catch {
      this.close()
      this.abort()
    }
  }

  onComplete(): void {
    this.#passArrived()
    this.#onResponseOver()
    if (this.#isClosed) return
    this.#events.onComplete()
    try {
      this.#consumer?.end()
    } catch (error) {
      this.#fail(toAnswerError(error))
    }
  }

  onError(error: Error): void {
    this.#passArrived()
    this.#onResponseOver()
    if (!this.#isClosed) this.#fail(toConnectionError(error))
  }

  /** Passes all further bytes to another consumer. */
  redirect(consumer: BodyConsumer): void {
    if (this.#streamDecoder) return this.#streamDecoder.redirect(consumer)
    this.#consumer = this.#bodyDecoder ?? consumer
    this.#bodyDecoder?.redirect(consumer)
  }

  resume(): void {
    this.#canTakeMore = true
    if (this.#bodyDecoder) this.#bodyDecoder.resume()
    else this.#resume?.()
  }

  /** Stops passing bytes and events on. */
  close(): void {
    this.#isClosed = true
    this.#bodyDecoder?.stop()
  }

  abort(): void {
    this.#abort?.()
  }

  /** Waits a little for the end of the response after a complete answer, so that the connection can be reused. */
  awaitEnd(): void {
    if (this.#isComplete) return
    this.dueAt = this.#deadlineTimer.time + END_TIMEOUT_MS
    this.#deadlineTimer.add(this)
    // A client that was full at the end of its answer does not ask for more.
    this.#canTakeMore = true
    this.#resume?.()
  }

  onDeadline(): void {
    this.abort()
  }

  #onResponseOver(): void {
    this.#isComplete = true
    this.#deadlineTimer.remove(this)
  }

  #onDecoderDrain(): void {
    this.#events.onBytes(true)
    this.#resume?.()
  }
}
