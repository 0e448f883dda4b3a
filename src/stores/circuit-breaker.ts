import { type Deadline, type DeadlineTimer, now } from '../lib/time.js'

/** So long a store may take to hear the last of it. */
export const CLOSE_MS = 2000

/** A store has not answered, or not in time. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreDown'
}

/** What somebody is told of a store's trouble. */
export interface StoreListener {
  /** It has begun to fail. */
  began(error: unknown): void
  /** Something has failed that nobody waits for. */
  failed(error: unknown): void
  /** It answers again, after so many calls that went without it. */
  ended(missed: number): void
}

/** Resolves when something has been done or has failed, or after so many ms: whoever closes does not wait for ever. */
export async function doneWithin(ms: number, work: Promise<unknown> = Promise.resolve()): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([late, work.then(nothing, nothing)])
  clearTimeout(timer)
}

function nothing(): void {}

export interface StoreCircuitBreakerOptions {
  readonly deadlineTimer: DeadlineTimer
  /** How long anybody waits for it. */
  readonly timeoutMs: number
  readonly listener: StoreListener
}

/** After a failure it is left alone for so long; then one call sees whether it is back. */
const REST_MS = 1000
/** What fails again and again is told so often. */
const TELL_MS = 60_000
/** Debts beyond this are dropped: the oldest first. */
const MOST_OWED = 100_000

/**
 * Stands between calls and a store on another machine. While that does not answer, nobody waits for it but one call a
 * second; what has to be told to it some time is kept until it can be.
 */
export class StoreCircuitBreaker {
  readonly #options: StoreCircuitBreakerOptions
  readonly #owed: (() => unknown)[] = []
  #restUntil = 0
  #toldAt = Number.NEGATIVE_INFINITY
  #missed = 0
  #isDown = false
  #retry: NodeJS.Timeout | undefined
  /** What has been asked and not answered yet, whether or not somebody still waits for it. */
  readonly #open = new Set<Promise<unknown>>()

  constructor(options: StoreCircuitBreakerOptions) {
    this.#options = options
  }

  /** How many calls have gone without the store since it last answered. */
  get missed(): number {
    return this.#missed
  }

  /**
   * What the store says. `late` is given what it says after nobody has waited any longer.
   * @throws {StoreUnavailable}
   */
  async ask<Answer>(work: () => Answer | Promise<Answer>, late?: (answer: Answer) => void): Promise<Answer> {
    if (this.#isDown && now() < this.#restUntil) {
      this.#missed++
      throw new StoreUnavailable('the store does not answer')
    }
    // Whoever comes while this one is on its way does not wait for it.
    if (this.#isDown) this.#restUntil = now() + REST_MS
    try {
      const answer = await this.#inTime(work, late)
      this.#answered()
      return answer
    } catch (error) {
      this.#failed(error)
      throw new StoreUnavailable('the store does not answer', { cause: error })
    }
  }

  /** Tells the store something that may as well be lost. That it cannot be told is no trouble for others. */
  async attempt(work: () => unknown): Promise<void> {
    if (this.#isDown) return
    try {
      await work()
    } catch (error) {
      if (now() - this.#toldAt < TELL_MS) return
      this.#toldAt = now()
      this.#options.listener.failed(error)
    }
  }

  /** Tells the store something: now, or when it answers again. */
  async owe(work: () => unknown): Promise<void> {
    try {
      await this.ask(work)
    } catch {
      if (this.#owed.length >= MOST_OWED) this.#owed.shift()
      this.#owed.push(work)
      this.#retry ??= setTimeout(() => void this.#settle(), REST_MS).unref()
    }
  }

  /** Tells all that is owed, and hears all that has been asked, but waits no longer than `ms`. */
  async close(ms: number): Promise<void> {
    await doneWithin(
      ms,
      this.#settle().then(() => Promise.allSettled(this.#open)),
    )
    clearTimeout(this.#retry)
  }

  /** Tries to tell all that is owed. What cannot be told stays owed. */
  async #settle(): Promise<void> {
    clearTimeout(this.#retry)
    this.#retry = undefined
    this.#restUntil = 0
    for (const work of this.#owed.splice(0)) await this.owe(work)
  }

  #inTime<Answer>(work: () => Answer | Promise<Answer>, late?: (answer: Answer) => void): Promise<Answer> {
    const { deadlineTimer, timeoutMs } = this.#options
    return new Promise((resolve, reject) => {
      let isLate = false
      const waiting: Deadline = {
        dueAt: deadlineTimer.time + timeoutMs,
        timerIndex: -1,
        onDeadline() {
          isLate = true
          reject(new Error(`no answer within ${timeoutMs} ms`))
        },
      }
      deadlineTimer.add(waiting)
      const asking = Promise.resolve()
        .then(work)
        .then((answer) => (isLate ? late?.(answer) : resolve(answer)))
        .catch(reject)
        .finally(() => {
          deadlineTimer.remove(waiting)
          this.#open.delete(asking)
        })
      this.#open.add(asking)
    })
  }

  #answered(): void {
    if (!this.#isDown) return
    this.#isDown = false
    this.#options.listener.ended(this.#missed)
    this.#missed = 0
    if (this.#owed.length > 0) void this.#settle()
  }

  #failed(error: unknown): void {
    this.#missed++
    this.#restUntil = now() + REST_MS
    if (!this.#isDown) this.#options.listener.began(error)
    this.#isDown = true
  }
}
