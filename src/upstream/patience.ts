import type { Timeouts } from '../call.js'
import type { Alarms, Waiting } from '../lib/time.js'

/** How long one attempt waits: for the head, for the first output, for the next bytes. */
export class Patience implements Waiting {
  deadline: number = Number.POSITIVE_INFINITY
  alarmIndex = -1
  readonly #alarms: Alarms
  readonly #timeouts: Timeouts
  readonly #owner: Impatient
  #outputBy = Number.POSITIVE_INFINITY
  #allCame = false

  constructor(alarms: Alarms, timeouts: Timeouts, owner: Impatient) {
    this.#alarms = alarms
    this.#timeouts = timeouts
    this.#owner = owner
  }

  begin(stream: boolean): void {
    const { time } = this.#alarms
    if (stream) this.#outputBy = time + this.#timeouts.firstOutputMs
    this.deadline = Math.min(this.#outputBy, time + this.#timeouts.headersMs)
    this.#alarms.add(this)
  }

  /** Something came, and more may. */
  renew(): void {
    if (this.#allCame) return
    this.deadline = Math.min(this.#outputBy, this.#alarms.time + this.#timeouts.idleMs)
  }

  /** The client is slow: the upstream is not to blame. */
  pause(): void {
    this.deadline = Number.POSITIVE_INFINITY
  }

  outputCame(): void {
    this.#outputBy = Number.POSITIVE_INFINITY
    this.renew()
  }

  /** Only the client can be slow now. */
  allCame(): void {
    this.#allCame = true
    this.pause()
  }

  end(): void {
    this.#alarms.remove(this)
  }

  ring(): void {
    this.#owner.outOfPatience()
  }
}

/** Who is told when patience has ended. */
export interface Impatient {
  outOfPatience(): void
}
