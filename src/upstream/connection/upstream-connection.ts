import type { RelayError } from '../../errors.js'
import type { Deadline, DeadlineTimer } from '../../lib/time.js'
import type { StreamFormat } from '../../providers/request-format.js'
import type { BodyConsumer } from '../attempt/attempt-events.js'
import { toConnectionError, unreadable } from '../attempt/failures.js'
import { BodyDecoder } from './body-decoder.js'
import type { ResponseHandler } from './connection-pools.js'
import { type Head, readHead } from './headers.js'
import { StreamDecoder } from './stream-decoder.js'

/** So long may an upstream take from its last word to the end of its answer. */
const LINGER_MS = 1000

/** Whose attempt a connection serves. */
export interface ConnectionEvents {
  /** The head has come; what follows goes to the intake that this gives. */
  onHead(status: number, head: Head): BodyConsumer
  /** Bytes have come, and more are welcome or not. */
  onBytes(more: boolean): void
  onComplete(): void
  onFailure(error: RelayError): void
}

/** The connection of one attempt: gives what comes to an intake, unpacked, and can be paused, resumed and broken off. */
export class UpstreamConnection implements ResponseHandler, Deadline {
  dueAt: number = Number.POSITIVE_INFINITY
  timerIndex = -1
  readonly #owner: ConnectionEvents
  readonly #deadlineTimer: DeadlineTimer
  /** How a stream may be framed otherwise than as server-sent events. */
  readonly #unframing: StreamFormat | undefined
  #abort: (() => void) | undefined
  #resume: (() => void) | undefined
  #consumer: BodyConsumer | undefined
  #decoder: BodyDecoder | undefined
  #unframer: StreamDecoder | undefined
  #closed = false
  /** Nothing more can come. */
  #isComplete = false

  constructor(owner: ConnectionEvents, deadlineTimer: DeadlineTimer, unframing?: StreamFormat) {
    this.#owner = owner
    this.#deadlineTimer = deadlineTimer
    this.#unframing = unframing
  }

  /** Undefined until the head has come. */
  get consumer(): BodyConsumer | undefined {
    return this.#consumer
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
    if (head.contentEncoding) this.#decoder = new BodyDecoder(head.contentEncoding, intake, () => this.#unpacked())
    this.#consumer = this.#decoder ?? intake
    return true
  }

  /** What is unframed is of the usual type to all that follows. */
  #begun(status: number, head: Head): BodyConsumer {
    const unframing = this.#unframing
    if (!unframing || !head.contentType.startsWith(unframing.contentType)) return this.#owner.onHead(status, head)
    this.#unframer = new StreamDecoder(
      unframing,
      this.#owner.onHead(status, { ...head, contentType: 'text/event-stream' }),
    )
    return this.#unframer
  }

  onData(chunk: Buffer): boolean {
    if (this.#closed || !this.#consumer) return true
    try {
      const more = this.#consumer.write(chunk)
      this.#owner.onBytes(more)
      return more
    } catch (error) {
      this.#owner.onFailure(unreadable(error))
      return true
    }
  }

  onComplete(): void {
    this.#completed()
    if (this.#closed) return
    this.#owner.onComplete()
    try {
      this.#consumer?.end()
    } catch (error) {
      this.#owner.onFailure(unreadable(error))
    }
  }

  onError(error: Error): void {
    this.#completed()
    if (!this.#closed) this.#owner.onFailure(toConnectionError(error))
  }

  /** What follows goes to another intake. */
  redirect(intake: BodyConsumer): void {
    if (this.#unframer) return this.#unframer.redirect(intake)
    this.#consumer = this.#decoder ?? intake
    this.#decoder?.redirect(intake)
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
    this.dueAt = this.#deadlineTimer.time + LINGER_MS
    this.#deadlineTimer.add(this)
  }

  onDeadline(): void {
    this.abort()
  }

  #completed(): void {
    this.#isComplete = true
    this.#deadlineTimer.remove(this)
  }

  /** The decoder can take more. */
  #unpacked(): void {
    this.#owner.onBytes(true)
    this.#resume?.()
  }
}
