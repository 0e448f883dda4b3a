import type { RelayError } from '../errors.js'
import type { Alarms, Waiting } from '../lib/time.js'
import type { Unframing } from '../providers/envelope.js'
import { Decoder } from './decode.js'
import { toConnectionError, unreadable } from './failures.js'
import { type Head, readHead } from './headers.js'
import type { Intake } from './intake.js'
import type { Receiver } from './transport.js'
import { Unframer } from './unframe.js'

/** So long may an upstream take from its last word to the end of its answer. */
const LINGER_MS = 1000

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
export class Wire implements Receiver, Waiting {
  deadline: number = Number.POSITIVE_INFINITY
  alarmIndex = -1
  readonly #owner: Attending
  readonly #alarms: Alarms
  /** How a stream may be framed otherwise than as server-sent events. */
  readonly #unframing: Unframing | undefined
  #abort: (() => void) | undefined
  #resume: (() => void) | undefined
  #intake: Intake | undefined
  #decoder: Decoder | undefined
  #unframer: Unframer | undefined
  #closed = false
  /** Nothing more can come. */
  #isComplete = false

  constructor(owner: Attending, alarms: Alarms, unframing?: Unframing) {
    this.#owner = owner
    this.#alarms = alarms
    this.#unframing = unframing
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
    const intake = this.#begun(status, head)
    if (head.contentEncoding) this.#decoder = new Decoder(head.contentEncoding, intake, () => this.#unpacked())
    this.#intake = this.#decoder ?? intake
    return true
  }

  /** What is unframed is of the usual type to all that follows. */
  #begun(status: number, head: Head): Intake {
    const unframing = this.#unframing
    if (!unframing || !head.contentType.startsWith(unframing.contentType)) return this.#owner.begun(status, head)
    this.#unframer = new Unframer(unframing, this.#owner.begun(status, { ...head, contentType: 'text/event-stream' }))
    return this.#unframer
  }

  onData(chunk: Buffer): boolean {
    if (this.#closed || !this.#intake) return true
    try {
      const more = this.#intake.take(chunk)
      this.#owner.came(more)
      return more
    } catch (error) {
      this.#owner.failed(unreadable(error))
      return true
    }
  }

  onComplete(): void {
    this.#completed()
    if (this.#closed) return
    this.#owner.allCame()
    try {
      this.#intake?.end()
    } catch (error) {
      this.#owner.failed(unreadable(error))
    }
  }

  onError(error: Error): void {
    this.#completed()
    if (!this.#closed) this.#owner.failed(toConnectionError(error))
  }

  /** What follows goes to another intake. */
  into(intake: Intake): void {
    if (this.#unframer) return this.#unframer.into(intake)
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

  /** The answer is whole, though its end has not come: it is waited for a little, since then the connection can be used again. */
  linger(): void {
    if (this.#isComplete) return
    this.deadline = this.#alarms.time + LINGER_MS
    this.#alarms.add(this)
  }

  ring(): void {
    this.abort()
  }

  #completed(): void {
    this.#isComplete = true
    this.#alarms.remove(this)
  }

  /** The decoder can take more. */
  #unpacked(): void {
    this.#owner.came(true)
    this.#resume?.()
  }
}
