import { RelayError } from '../errors.js'
import type { ByteSink } from '../http.js'
import type { Answering, Intake, Preamble } from './intake.js'
import { type Outflow, Outlet } from './outlet.js'

/** Before such bytes comes nothing. */
export const NO_PREAMBLE: Preamble = { usage: undefined, size: 0 }

/** Takes bytes that are neither a document nor a stream of records, as sound is: the first of them are the answer's beginning. */
export class Raw implements Intake {
  readonly #exchange: Answering
  #flow: Outflow | undefined

  constructor(exchange: Answering) {
    this.#exchange = exchange
  }

  take(chunk: Buffer): boolean {
    this.#flow ??= this.#exchange.commit(NO_PREAMBLE)
    return this.#flow.take(chunk)
  }

  end(): void {
    this.fail(new RelayError('upstream_invalid', 'The provider gave an empty answer.'))
  }

  fail(error: RelayError): void {
    this.#exchange.refuse(error)
  }
}

/** Such bytes on their way to the client. */
export class RawFlow implements Outflow {
  readonly #exchange: Answering
  readonly #outlet = new Outlet(undefined)

  constructor(exchange: Answering) {
    this.#exchange = exchange
  }

  flow(sink: ByteSink): void {
    this.#outlet.flow(sink)
  }

  resume(): void {
    this.#exchange.resume()
  }

  take(chunk: Buffer): boolean {
    return this.#outlet.write(chunk)
  }

  end(): void {
    this.#outlet.end()
    this.#exchange.ended({ outcome: 'complete', usage: undefined })
  }

  /** There is no way to tell it within: the client's connection is broken off. */
  fail(error: RelayError): void {
    this.#outlet.cut()
    this.#exchange.ended({ outcome: 'cut', usage: undefined, error })
  }

  leave(): void {
    this.drain()
    this.#exchange.ended({ outcome: 'left', usage: undefined })
  }

  drain(): void {
    this.#outlet.close()
    this.#exchange.resume()
  }
}
