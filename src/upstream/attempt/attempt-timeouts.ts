import type { Deadline, DeadlineTimer } from '../../lib/time.js'
import type { Timeouts } from '../../targets.js'

export interface TimeoutListener {
  onTimeout(): void
}

/** The timeouts of one attempt: for the response headers, the first output, and the next bytes. */
export class AttemptTimeouts implements Deadline {
  dueAt: number = Number.POSITIVE_INFINITY
  timerIndex = -1
  readonly #deadlineTimer: DeadlineTimer
  readonly #timeouts: Timeouts
  readonly #listener: TimeoutListener
  #firstOutputDueAt = Number.POSITIVE_INFINITY
  #isBodyComplete = false

  constructor(deadlineTimer: DeadlineTimer, timeouts: Timeouts, listener: TimeoutListener) {
    this.#deadlineTimer = deadlineTimer
    this.#timeouts = timeouts
    this.#listener = listener
  }

  start(stream: boolean): void {
    const { time } = this.#deadlineTimer
    if (stream) this.#firstOutputDueAt = time + this.#timeouts.firstOutputMs
    this.dueAt = Math.min(this.#firstOutputDueAt, time + this.#timeouts.headersMs)
    this.#deadlineTimer.add(this)
  }

  /** Bytes have arrived: the idle timeout starts again. */
  renew(): void {
    if (this.#isBodyComplete) return
    this.dueAt = Math.min(this.#firstOutputDueAt, this.#deadlineTimer.time + this.#timeouts.idleMs)
  }

  /** The client reads slowly, which is not the upstream's fault. */
  pause(): void {
    this.dueAt = Number.POSITIVE_INFINITY
  }

  onFirstOutput(): void {
    this.#firstOutputDueAt = Number.POSITIVE_INFINITY
    this.renew()
  }

  /** From now on only the client can be slow. */
  onBodyComplete(): void {
    this.#isBodyComplete = true
    this.pause()
  }

  stop(): void {
    this.#deadlineTimer.remove(this)
  }

  onDeadline(): void {
    this.#listener.onTimeout()
  }
}
