import { type Deadline, type DeadlineTimer, now } from '../../lib/time.js'

/** How long the relay waits for a store when it closes, in ms. */
export const CLOSE_TIMEOUT_MS = 2000

/** A store has not answered, or not in time. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable'
}

/** Learns of the outages of a store. */
export interface StoreListener {
  outageBegan(error: unknown): void
  /** A write failed that no call waits for. */
  writeFailed(error: unknown): void
  /** @param skippedCalls how many calls went on without the store */
  outageEnded(skippedCalls: number): void
}

/** Resolves when the work is done or has failed, and after `ms` in any case. */
export async function settleWithin(ms: number, work: Promise<unknown> = Promise.resolve()): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([timeout, work.then(ignore, ignore)])
  clearTimeout(timer)
}

function ignore(): void {}

export interface StoreCircuitBreakerOptions {
  readonly deadlineTimer: DeadlineTimer
  /** How long a call waits for the store. */
  readonly timeoutMs: number
  readonly listener: StoreListener
}

/** After a failure no call uses the store for this long. Then one call probes it. */
const PROBE_INTERVAL_MS = 1000
/** The log reports repeated failures of optional writes this often. */
const REPORT_INTERVAL_MS = 60_000
/** Beyond this number of pending writes, the oldest are dropped. */
const MAX_PENDING_WRITES = 100_000

/**
 * Circuit breaker between calls and a store on another machine. While the store does not answer, only one call per
 * second waits for it. Writes that must not be lost stay pending until the store answers again.
 */
export class StoreCircuitBreaker {
  readonly #options: StoreCircuitBreakerOptions
  readonly #pendingWrites: (() => unknown)[] = []
  #openUntil = 0
  #lastReportAt = Number.NEGATIVE_INFINITY
  #skippedCalls = 0
  #isOpen = false
  #retryTimer: NodeJS.Timeout | undefined
  /** Requests that the store has not answered yet, even if no call waits for them any more. */
  readonly #requests = new Set<Promise<unknown>>()

  constructor(options: StoreCircuitBreakerOptions) {
    this.#options = options
  }

  /** How many calls have gone without the store since it last answered. */
  get skippedCalls(): number {
    return this.#skippedCalls
  }

  /**
   * Returns the store's answer.
   *
   * @param onLateAnswer receives an answer that comes after the timeout
   * @throws {StoreUnavailable}
   */
  async run<Answer>(request: () => Answer | Promise<Answer>, onLateAnswer?: (answer: Answer) => void): Promise<Answer> {
    if (this.#isOpen && now() < this.#openUntil) {
      this.#skippedCalls++
      throw new StoreUnavailable('the store does not answer')
    }
    // This call is the probe. Others do not wait for it.
    if (this.#isOpen) this.#openUntil = now() + PROBE_INTERVAL_MS
    try {
      const answer = await this.#withTimeout(request, onLateAnswer)
      this.#close()
      return answer
    } catch (error) {
      this.#open(error)
      throw new StoreUnavailable('the store does not answer', { cause: error })
    }
  }

  /** Runs a write that may be lost. If it fails, the circuit stays closed. */
  async runOptional(write: () => unknown): Promise<void> {
    if (this.#isOpen) return
    try {
      await write()
    } catch (error) {
      if (now() - this.#lastReportAt < REPORT_INTERVAL_MS) return
      this.#lastReportAt = now()
      this.#options.listener.writeFailed(error)
    }
  }

  /** Runs a write now, or when the store answers again. */
  async runEventually(write: () => unknown): Promise<void> {
    try {
      await this.run(write)
    } catch {
      if (this.#pendingWrites.length >= MAX_PENDING_WRITES) this.#pendingWrites.shift()
      this.#pendingWrites.push(write)
      this.#retryTimer ??= setTimeout(() => void this.#runPending(), PROBE_INTERVAL_MS).unref()
    }
  }

  /** Runs the pending writes and waits for every request, but no longer than `ms`. */
  async close(ms: number): Promise<void> {
    await settleWithin(
      ms,
      this.#runPending().then(() => Promise.allSettled(this.#requests)),
    )
    clearTimeout(this.#retryTimer)
  }

  /** A write that fails again stays pending. */
  async #runPending(): Promise<void> {
    clearTimeout(this.#retryTimer)
    this.#retryTimer = undefined
    this.#openUntil = 0
    for (const write of this.#pendingWrites.splice(0)) await this.runEventually(write)
  }

  #withTimeout<Answer>(
    request: () => Answer | Promise<Answer>,
    onLateAnswer?: (answer: Answer) => void,
  ): Promise<Answer> {
    const { deadlineTimer, timeoutMs } = this.#options
    return new Promise((resolve, reject) => {
      let isLate = false
      const deadline: Deadline = {
        dueAt: deadlineTimer.time + timeoutMs,
        timerIndex: -1,
        onDeadline() {
          isLate = true
          reject(new Error(`no answer within ${timeoutMs} ms`))
        },
      }
      deadlineTimer.add(deadline)
      const running = Promise.resolve()
        .then(request)
        .then((answer) => (isLate ? onLateAnswer?.(answer) : resolve(answer)))
        .catch(reject)
        .finally(() => {
          deadlineTimer.remove(deadline)
          this.#requests.delete(running)
        })
      this.#requests.add(running)
    })
  }

  #close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#options.listener.outageEnded(this.#skippedCalls)
    this.#skippedCalls = 0
    if (this.#pendingWrites.length > 0) void this.#runPending()
  }

  #open(error: unknown): void {
    this.#skippedCalls++
    this.#openUntil = now() + PROBE_INTERVAL_MS
    if (!this.#isOpen) this.#options.listener.outageBegan(error)
    this.#isOpen = true
  }
}
