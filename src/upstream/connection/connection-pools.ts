import { type Dispatcher, Pool } from 'undici'
import { RelayError } from '../../errors.js'
import { type ByteChunks, chunksLength, joinChunks } from '../../lib/byte-chunks.js'
import type { BaseUrl } from '../../targets.js'
import { type Sign, signedHeaders, type UnsignedRequest } from './signing.js'

/** What undici's `Pool`, `Agent`, `ProxyAgent` and `MockAgent` have in common: all that the relay asks of a client. */
export type Transport = Pick<Dispatcher, 'dispatch' | 'close' | 'destroy'>

/** Receives one answer: undici's callbacks as its core calls them, with raw headers, so that none is parsed in vain. */
export interface ResponseHandler {
  onConnect(abort: (reason?: Error) => void): void
  onHeaders(status: number, headers: Buffer[], resume: () => void): boolean
  onData(chunk: Buffer): boolean
  onComplete(): void
  onError(error: Error): void
}

/** What is sent. */
interface UpstreamRequest {
  /** The provider's id in the config. */
  readonly provider: string
  readonly baseUrl: BaseUrl
  /** Left out: `POST`. */
  readonly method?: 'GET'
  /** The whole of it. */
  readonly path: string
  readonly headers: readonly string[]
  readonly body: ByteChunks
  readonly connectMs: number
}

/** One connection pool for each address, made when it is first needed. */
export class ConnectionPools {
  readonly #pools = new Map<string, Transport>()
  readonly #given: Transport | undefined
  readonly #sign: Sign | undefined
  #closed: RelayError | undefined

  constructor(given: Transport | undefined, sign?: Sign) {
    this.#given = given
    this.#sign = sign
  }

  send(sending: UpstreamRequest, receiver: ResponseHandler): void {
    if (!this.#sign) return this.#dispatch(sending, sending.headers, receiver)
    const { provider, baseUrl, method = 'POST', path, headers } = sending
    const body = joinChunks(sending.body)
    signedHeaders(this.#sign, { provider, method, url: baseUrl.origin + path, headers, body })
      .then((signed) => this.#dispatch({ ...sending, body }, signed, receiver))
      .catch((error: Error) => receiver.onError(error))
  }

  #dispatch(sending: UpstreamRequest, headers: readonly string[], receiver: ResponseHandler): void {
    if (this.#closed) return receiver.onError(this.#closed)
    const { body } = sending
    const { origin } = sending.baseUrl
    this.#to(sending.baseUrl, sending.connectMs).dispatch(
      {
        origin,
        path: sending.path,
        method: sending.method ?? 'POST',
        headers: (Buffer.isBuffer(body)
          ? headers
          : [...headers, 'content-length', String(chunksLength(body))]) as string[],
        // undici takes whatever can be iterated over, though its types do not say so of `dispatch`.
        body: body as Buffer,
        // undici would set three timers a request; the relay watches over head and body itself, with one for all.
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      receiver,
    )
  }

  /** All headers of a request that somebody else sends. @throws {RelayError} */
  async headersOf(request: UnsignedRequest): Promise<readonly string[]> {
    return this.#sign ? await signedHeaders(this.#sign, request) : request.headers
  }

  /** Breaks every connection, and makes no more: what breaks now must not be tried again. A transport that the host gave stays the host's to close, with what still runs on it. */
  async destroy(): Promise<void> {
    const closed = new RelayError('closing', 'The relay is shutting down. Please try again.', { retryAfterMs: 1000 })
    this.#closed = closed
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map((pool) => pool.destroy(closed)))
  }

  #to({ origin, poolKey }: BaseUrl, connectMs: number): Transport {
    if (this.#given) return this.#given
    const known = this.#pools.get(poolKey)
    if (known) return known
    // One request at a time on a connection: pipelined answers would wait behind a stream.
    const made = new Pool(origin, { pipelining: 1, connect: { timeout: connectMs } })
    this.#pools.set(poolKey, made)
    return made
  }
}
