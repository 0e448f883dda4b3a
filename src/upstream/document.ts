import type { Channel } from '../call.js'
import { RelayError } from '../errors.js'
import type { Departure, Waiter } from '../lib/departure.js'
import type { Alarms } from '../lib/time.js'
import type { Protocol } from '../protocols/protocol.js'
import { pathAt } from './address.js'
import { readFailure, toConnectionError } from './failures.js'
import type { Head } from './headers.js'
import { type Intake, Whole } from './intake.js'
import { type Impatient, Patience } from './patience.js'
import type { Connections } from './transport.js'
import { type Attending, Wire } from './wire.js'

/** What is read of a provider, for no caller. */
export interface Asked extends Pick<Channel, 'place' | 'credential'> {
  readonly upstream: Channel['target']['upstream']
  readonly protocol: Protocol
  /** The language's own. */
  readonly path: string
  /** A longer document is refused, in bytes. */
  readonly maxBytes: number
}

interface Tools {
  readonly connections: Connections
  readonly alarms: Alarms
  /** Breaks it off. */
  readonly departure: Departure
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

class Reading implements Attending, Impatient, Waiter {
  readonly #asked: Asked
  readonly #tools: Tools
  readonly #ends: Ends
  readonly #wire: Wire
  readonly #patience: Patience

  constructor(asked: Asked, tools: Tools, ends: Ends) {
    this.#asked = asked
    this.#tools = tools
    this.#ends = ends
    this.#wire = new Wire(this, tools.alarms)
    this.#patience = new Patience(tools.alarms, asked.upstream.timeouts, this)
  }

  start(): void {
    const { upstream, place, credential, protocol, path } = this.#asked
    const { connections, departure } = this.#tools
    if (departure.left) return this.clientLeft()
    departure.waiter = this
    // As long as the first output of a stream may take, and no longer: nobody waits for the words of this one.
    this.#patience.begin(true)
    const { id: provider, timeouts } = upstream
    const { connectMs } = timeouts
    const headers = [...credential.headers, ...protocol.headers]
    const sending = {
      provider,
      place,
      method: 'GET',
      path: pathAt(place, protocol, path),
      headers,
      body: NO_BODY,
    } as const
    try {
      connections.send({ ...sending, connectMs }, this.#wire)
    } catch (error) {
      this.failed(toConnectionError(error))
    }
  }

  begun(status: number, { retryAfterMs }: Head): Intake {
    this.#patience.renew()
    const { protocol, credential, maxBytes } = this.#asked
    if (status === 200) return new Whole(maxBytes, (body, error) => this.#read(body, error))
    const from = { protocol, credential, isTheirs: false }
    return new Whole(LONGEST_FAULT, (body) => {
      this.failed(readFailure(body, from, { upstreamStatus: status, retryAfterMs, isForeign: true }))
    })
  }

  came(): void {
    this.#patience.renew()
  }

  allCame(): void {
    this.#patience.allCame()
  }

  failed(error: RelayError): void {
    this.#finish()
    this.#wire.abort()
    this.#ends.reject(error)
  }

  outOfPatience(): void {
    this.failed(new RelayError('upstream_timeout', 'The provider kept silent for too long.'))
  }

  clientLeft(): void {
    this.failed(new RelayError('closing', 'The relay is shutting down.'))
  }

  #read(body: Buffer | undefined, error: RelayError | undefined): void {
    if (!body) return this.failed(error ?? new RelayError('upstream_invalid', 'The provider gave too long an answer.'))
    this.#finish()
    this.#wire.linger()
    this.#ends.resolve(body)
  }

  #finish(): void {
    this.#wire.close()
    this.#patience.end()
    this.#tools.departure.waiter = undefined
  }
}
