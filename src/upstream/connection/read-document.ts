import { RelayError } from '../../errors.js'
import type { ClientConnection, DisconnectListener } from '../../lib/client-connection.js'
import type { DeadlineTimer } from '../../lib/time.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { Channel } from '../../targets.js'
import { type BodyConsumer, BufferedBody } from '../attempt/attempt-events.js'
import { AttemptTimeouts, type TimeoutListener } from '../attempt/attempt-timeouts.js'
import { readFailure, toConnectionError } from '../attempt/failures.js'
import { requestPath } from './base-url.js'
import type { ConnectionPools } from './connection-pools.js'
import type { Head } from './headers.js'
import { type ConnectionEvents, UpstreamConnection } from './upstream-connection.js'

/** What is read of a provider, for no caller. */
export interface Asked extends Pick<Channel, 'baseUrl' | 'credential'> {
  readonly upstream: Channel['target']['upstream']
  readonly protocol: Protocol
  /** The language's own. */
  readonly path: string
  /** A longer document is refused, in bytes. */
  readonly maxBytes: number
}

interface Tools {
  readonly connections: ConnectionPools
  readonly deadlineTimer: DeadlineTimer
  /** Breaks it off. */
  readonly client: ClientConnection
}

/** An error's body beyond this is no explanation. */
const LONGEST_FAULT = 64 * 1024
const NO_BODY = Buffer.alloc(0)

/** Reads a document at a provider: by its credential, its time-outs, and once. @throws {RelayError} */
export function readDocument(asked: Asked, tools: Tools): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    new Reading(asked, tools, { resolve, reject }).start()
  })
}

interface Ends {
  readonly resolve: (body: Buffer) => void
  readonly reject: (error: RelayError) => void
}

class Reading implements ConnectionEvents, TimeoutListener, DisconnectListener {
  readonly #asked: Asked
  readonly #tools: Tools
  readonly #ends: Ends
  readonly #wire: UpstreamConnection
  readonly #patience: AttemptTimeouts

  constructor(asked: Asked, tools: Tools, ends: Ends) {
    this.#asked = asked
    this.#tools = tools
    this.#ends = ends
    this.#wire = new UpstreamConnection(this, tools.deadlineTimer)
    this.#patience = new AttemptTimeouts(tools.deadlineTimer, asked.upstream.timeouts, this)
  }

  start(): void {
    const { upstream, baseUrl, credential, protocol, path } = this.#asked
    const { connections, client } = this.#tools
    if (client.isClosed) return this.onDisconnect()
    client.listener = this
    // As long as the first output of a stream may take, and no longer: nobody waits for the words of this one.
    this.#patience.start(true)
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
      connections.send({ ...sending, connectMs }, this.#wire)
    } catch (error) {
      this.onFailure(toConnectionError(error))
    }
  }

  onHead(status: number, { retryAfterMs }: Head): BodyConsumer {
    this.#patience.renew()
    const { protocol, credential, maxBytes } = this.#asked
    if (status === 200) return new BufferedBody(maxBytes, (body, error) => this.#read(body, error))
    const from = { protocol, credential, isTheirs: false }
    return new BufferedBody(LONGEST_FAULT, (body) => {
      this.onFailure(readFailure(body, from, { upstreamStatus: status, retryAfterMs, isForeign: true }))
    })
  }

  onBytes(): void {
    this.#patience.renew()
  }

  onComplete(): void {
    this.#patience.onBodyComplete()
  }

  onFailure(error: RelayError): void {
    this.#finish()
    this.#wire.abort()
    this.#ends.reject(error)
  }

  onTimeout(): void {
    this.onFailure(new RelayError('upstream_timeout', 'The provider kept silent for too long.'))
  }

  onDisconnect(): void {
    this.onFailure(new RelayError('closing', 'The relay is shutting down.'))
  }

  #read(body: Buffer | undefined, error: RelayError | undefined): void {
    if (!body)
      return this.onFailure(error ?? new RelayError('upstream_invalid', 'The provider gave too long an answer.'))
    this.#finish()
    this.#wire.linger()
    this.#ends.resolve(body)
  }

  #finish(): void {
    this.#wire.close()
    this.#patience.stop()
    this.#tools.client.listener = undefined
  }
}
