import type { RelayError } from '../errors.js'
import { Decoder } from './decode.js'
import { broken, toConnectionError } from './failures.js'
import { type Head, readHead } from './headers.js'
import type { Intake } from './intake.js'
import type { Receiver } from './transport.js'

/** Whose attempt a connection serves. */
export interface Attending {
  /** The head has come; what follows goes to the intake that this gives. */
  begun(status: number, head: Head): Intake
  /** Bytes have come, and more are welcome or not. */
  came(more: boolean): void
  allCame(): void
  failed(error: RelayError): void
}

/** The connection of one attempt: gives what comes to an intake, unpacked, and can be paused, resumed and broken off. */
export class Wire implements Receiver {
  readonly #owner: Attending
  #abort: (() => void) | undefined
  #resume: (() => void) | undefined
  #intake: Intake | undefined
  #decoder: Decoder | undefined
  #closed = false

  constructor(owner: Attending) {
    this.#owner = owner
  }

  /** Undefined until the head has come. */
  get intake(): Intake | undefined {
    return this.#intake
  }

  onConnect(abort: () => void): void {
    this.#abort = abort
    if (this.#closed) abort()
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    if (status < 200) return true
    this.#resume = resume
    const head = readHead(raw)
    const intake = this.#owner.begun(status, head)
    if (head.contentEncoding) this.#decoder = new Decoder(head.contentEncoding, intake, () => this.#unpacked())
    this.#intake = this.#decoder ?? intake
    return true
  }

  onData(chunk: Buffer): boolean {
    if (this.#closed || !this.#intake) return true
    try {
      const more = this.#intake.take(chunk)
      this.#owner.came(more)
      return more
    } catch (error) {
      this.#owner.failed(broken(error))
      return true
    }
  }

  onComplete(): void {
    if (this.#closed) return
    this.#owner.allCame()
    try {
      this.#intake?.end()
    } catch (error) {
      this.#owner.failed(broken(error))
    }
  }

  onError(error: Error): void {
    if (!this.#closed) this.#owner.failed(toConnectionError(error))
  }

  /** What follows goes to another intake. */
  into(intake: Intake): void {
    this.#intake = this.#decoder ?? intake
    this.#decoder?.into(intake)
  }

  resume(): void {
    if (this.#decoder) this.#decoder.resume()
    else this.#resume?.()
  }

  /** Nothing more is taken. */
  close(): void {
    this.#closed = true
    this.#decoder?.stop()
  }

  abort(): void {
    this.#abort?.()
  }

  /** The decoder can take more. */
  #unpacked(): void {
    this.#owner.came(true)
    this.#resume?.()
  }
}
