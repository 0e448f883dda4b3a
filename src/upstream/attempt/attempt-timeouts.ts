import type { Deadline, DeadlineTimer } from '../../lib/time.js'
import type { Timeouts } from '../../targets.js'

/** How long one attempt waits: for the head, for the first output, for the next bytes. */
export class AttemptTimeouts implements Deadline {
  dueAt: number = Number.POSITIVE_INFINITY
  timerIndex = -1
  readonly #deadlineTimer: DeadlineTimer
  readonly #timeouts: Timeouts
  readonly #owner: TimeoutListener
  #outputBy = Number.POSITIVE_INFINITY
  #allCame = false

  constructor(deadlineTimer: DeadlineTimer, timeouts: Timeouts, owner: TimeoutListener) {
    this.#deadlineTimer = deadlineTimer
    this.#timeouts = timeouts
    this.#owner = owner
  }

  start(stream: boolean): void {
    const { time } = this.#deadlineTimer
    if (stream) this.#outputBy = time + this.#timeouts.firstOutputMs
    this.dueAt = Math.min(this.#outputBy, time + this.#timeouts.headersMs)
    this.#deadlineTimer.add(this)
  }

  /** Something came, and more may. */
  renew(): void {
    if (this.#allCame) return
    this.dueAt = Math.min(this.#outputBy, this.#deadlineTimer.time + this.#timeouts.idleMs)
  }

  /** The client is slow: the upstream is not to blame. */
  pause(): void {
    this.dueAt = Number.POSITIVE_INFINITY
  }

  onFirstOutput(): void {
    this.#outputBy = Number.POSITIVE_INFINITY
    this.renew()
  }

  /** Only the client can be slow now. */
  onBodyComplete(): void {
    this.#allCame = true
    this.pause()
  }

  stop(): void {
    this.#deadlineTimer.remove(this)
  }

  onDeadline(): void {
    this.#owner.onTimeout()
  }
}

/** Who is told when patience has ended. */
export interface TimeoutListener {
  onTimeout(): void
}
