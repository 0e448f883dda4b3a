import { RelayError } from '../../errors.js'
import type { ByteSink } from '../../http.js'
import type { AttemptEvents, BodyConsumer, StreamPrelude } from '../attempt/attempt-events.js'
import { type ClientStream, StreamOutput } from './stream-output.js'

/** Before such bytes comes nothing. */
export const NO_PRELUDE: StreamPrelude = { usage: undefined, size: 0 }

/** Takes bytes that are neither a document nor a stream of records, as sound is: the first of them are the answer's beginning. */
export class RawBody implements BodyConsumer {
  readonly #exchange: AttemptEvents
  #flow: ClientStream | undefined

  constructor(exchange: AttemptEvents) {
    this.#exchange = exchange
  }

  write(chunk: Buffer): boolean {
    this.#flow ??= this.#exchange.commit(NO_PRELUDE)
    return this.#flow.write(chunk)
  }

  end(): void {
    this.fail(new RelayError('upstream_invalid', 'The provider gave an empty answer.'))
  }

  fail(error: RelayError): void {
    this.#exchange.reject(error)
  }
}

/** Such bytes on their way to the client. */
export class RawStream implements ClientStream {
  readonly #exchange: AttemptEvents
  readonly #outlet = new StreamOutput(undefined)

  constructor(exchange: AttemptEvents) {
    this.#exchange = exchange
  }

  start(sink: ByteSink): void {
    this.#outlet.flow(sink)
  }

  resume(): void {
    this.#exchange.resume()
  }

  write(chunk: Buffer): boolean {
    return this.#outlet.write(chunk)
  }

  end(): void {
    this.#outlet.end()
    this.#exchange.onEnd({ outcome: 'complete', usage: undefined })
  }

  /** There is no way to tell it within: the client's connection is broken off. */
  fail(error: RelayError): void {
    this.#outlet.cut()
    this.#exchange.onEnd({ outcome: 'cut', usage: undefined, error })
  }

  abandon(): void {
    this.drain()
    this.#exchange.onEnd({ outcome: 'left', usage: undefined })
  }

  drain(): void {
    this.#outlet.close()
    this.#exchange.resume()
  }
}
