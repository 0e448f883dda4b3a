import { RelayError } from '../../errors.js'
import type { ClientConnection, DisconnectListener } from '../../lib/client-connection.js'
import type { DeadlineTimer } from '../../lib/time.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { Channel } from '../../targets.js'
import type { BodyConsumer } from '../attempt/attempt-events.js'
import { AttemptTimeouts, type TimeoutListener } from '../attempt/attempt-timeouts.js'
import { readErrorResponse, toConnectionError } from '../attempt/failures.js'
import { BufferedBody } from '../stream/buffered-body.js'
import { requestPath } from './base-url.js'
import type { ResponseHead } from './headers.js'
import { type ConnectionEvents, type ConnectionPools, UpstreamConnection } from './upstream-connection.js'

/** A document at a provider that the relay reads for itself. */
export interface DocumentRequest extends Pick<Channel, 'baseUrl' | 'credential'> {
  readonly upstream: Channel['target']['upstream']
  readonly protocol: Protocol
  /** Without the base URL's prefix. */
  readonly path: string
  readonly maxBytes: number
}

export interface DocumentOptions {
  readonly connections: ConnectionPools
  readonly deadlineTimer: DeadlineTimer
  /** Closing it cancels the request. */
  readonly client: ClientConnection
}

/** Larger error bodies are not read. */
const MAX_ERROR_BYTES = 64 * 1024
const NO_BODY = Buffer.alloc(0)

/** Reads a document at a provider, with its credential and timeouts, without retries. @throws {RelayError} */
export function readDocument(request: DocumentRequest, options: DocumentOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    new DocumentReader(request, options, { resolve, reject }).start()
  })
}

interface DocumentCallbacks {
  readonly resolve: (body: Buffer) => void
  readonly reject: (error: RelayError) => void
}

class DocumentReader implements ConnectionEvents, TimeoutListener, DisconnectListener {
  readonly #request: DocumentRequest
  readonly #options: DocumentOptions
  readonly #callbacks: DocumentCallbacks
  readonly #connection: UpstreamConnection
  readonly #timeouts: AttemptTimeouts

  constructor(request: DocumentRequest, options: DocumentOptions, callbacks: DocumentCallbacks) {
    this.#request = request
    this.#options = options
    this.#callbacks = callbacks
    this.#connection = new UpstreamConnection(this, options.deadlineTimer)
    this.#timeouts = new AttemptTimeouts(options.deadlineTimer, request.upstream.timeouts, this)
  }

  start(): void {
    const { upstream, baseUrl, credential, protocol, path } = this.#request
    const { connections, client } = this.#options
    if (client.isClosed) return this.onDisconnect()
    client.listener = this
    // The timeout for the first output of a stream fits here too.
    this.#timeouts.start(true)
    const { id: provider, timeouts } = upstream
    const { connectMs } = timeouts
    const headers = [...credential.headers, ...protocol.headers]
    const sending = {
      provider,
      baseUrl,
      method: 'GET',
      path: requestPath(baseUrl, protocol, path),
      headers,
      body: NO_BODY,
    } as const
    try {
      connections.send({ ...sending, connectMs }, this.#connection)
    } catch (error) {
      this.onFailure(toConnectionError(error))
    }
  }

  onHead(status: number, { retryAfterMs }: ResponseHead): BodyConsumer {
    this.#timeouts.renew()
    const { protocol, credential, maxBytes } = this.#request
    if (status === 200) return new BufferedBody(maxBytes, (body, error) => this.#onBody(body, error))
    return new BufferedBody(MAX_ERROR_BYTES, (body) => {
      const context = { upstreamStatus: status, retryAfterMs, isTranslated: true }
      this.onFailure(readErrorResponse(body, protocol, credential, context))
    })
  }

  onBytes(): void {
    this.#timeouts.renew()
  }

  onComplete(): void {
    this.#timeouts.onBodyComplete()
  }

  onFailure(error: RelayError): void {
    this.#release()
    this.#connection.abort()
    this.#callbacks.reject(error)
  }

  onTimeout(): void {
    this.onFailure(new RelayError('upstream_timeout', 'The provider timed out.'))
  }

  onDisconnect(): void {
    this.onFailure(new RelayError('closing', 'The relay is shutting down.'))
  }

  #onBody(body: Buffer | undefined, error: RelayError | undefined): void {
    if (!body)
      return this.onFailure(error ?? new RelayError('upstream_invalid', 'The provider gave too long an answer.'))
    this.#release()
    this.#connection.awaitEnd()
    this.#callbacks.resolve(body)
  }

  #release(): void {
    this.#connection.close()
    this.#timeouts.stop()
    this.#options.client.listener = undefined
  }
}
