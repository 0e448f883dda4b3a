import { RelayError } from '../../errors.js'
import type { ByteSink } from '../../http.js'
import type { AttemptEvents, BodyConsumer, ClientStream, StreamPrelude } from '../attempt/attempt-events.js'
import { StreamOutput } from './stream-output.js'

/** Raw bytes have no prelude. */
export const NO_PRELUDE: StreamPrelude = { usage: undefined, chars: 0 }

/** Consumes a body that is neither JSON nor a stream of records, such as audio. Its first bytes are the commit point. */
export class RawBody implements BodyConsumer {
  readonly #attempt: AttemptEvents
  #stream: ClientStream | undefined

  constructor(attempt: AttemptEvents) {
    this.#attempt = attempt
  }

  write(chunk: Buffer): boolean {
    this.#stream ??= this.#attempt.commit(NO_PRELUDE)
    return this.#stream.write(chunk)
  }

  end(): void {
    this.fail(new RelayError('upstream_invalid', 'The provider gave an empty answer.'))
  }

  fail(error: RelayError): void {
    this.#attempt.reject(error)
  }
}

/** Passes raw bytes on to the client. */
export class RawStream implements ClientStream {
  readonly #attempt: AttemptEvents
  readonly #output = new StreamOutput(undefined)

  constructor(attempt: AttemptEvents) {
    this.#attempt = attempt
  }

  start(sink: ByteSink): void {
    this.#output.start(sink)
  }

  resume(): void {
    this.#attempt.resume()
  }

  write(chunk: Buffer): boolean {
    return this.#output.write(chunk)
  }

  end(): void {
    this.#output.end()
    this.#attempt.onEnd({ outcome: 'complete', usage: undefined })
  }

  /** Raw bytes cannot carry an error: aborts the client's connection. */
  fail(error: RelayError): void {
    this.#output.abort()
    this.#attempt.onEnd({ outcome: 'cut', usage: undefined, error })
  }

  abandon(): void {
    this.drain()
    this.#attempt.onEnd({ outcome: 'left', usage: undefined })
  }

  drain(): void {
    this.#output.discard()
    this.#attempt.resume()
  }
}
