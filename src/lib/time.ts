import type { ClientConnection } from './client-connection.js'

/** Milliseconds on a monotonic clock, for all durations and cooldowns. Wall time serves only for dates. */
export function now(): number {
  return performance.now()
}

/** The longest delay of a Node timer: 24.8 days. With a longer one, Node fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Resolves after `ms` (at most 24.8 days), or when the client disconnects. */
export function sleep(ms: number, client: ClientConnection): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, Math.min(ms, MAX_TIMER_MS))
    client.listener = { onDisconnect: done }
    if (client.isClosed) done()
    function done(): void {
      clearTimeout(timer)
      client.listener = undefined
      resolve()
    }
  })
}

/** An entry of a {@link DeadlineTimer}. */
export interface Deadline {
  /** When to call `onDeadline`, in ms on {@link now}'s clock. May change at any time. `Infinity` means never. */
  readonly dueAt: number
  /** Index in the timer's list. Only the timer sets it. */
  timerIndex: number
  onDeadline(): void
}

const TICK_MS = 50

/**
 * Watches many deadlines, few of which ever expire, with one timer. Adding a deadline costs an entry in a list, and moving
 * it costs an assignment. A Node timer for each would cost 1 µs. A Set would leave garbage when it grows and shrinks.
 * Accurate to about 50 ms. Runs only while it has entries, and does not keep the process alive.
 */
export class DeadlineTimer {
  readonly #deadlines: Deadline[] = []
  #timer: NodeJS.Timeout | undefined
  #time = 0

  /** Time of the last tick, in ms. Precise enough to set a deadline, and cheaper than reading the clock. */
  get time(): number {
    return this.#timer ? this.#time : now()
  }

  add(deadline: Deadline): void {
    deadline.timerIndex = this.#deadlines.push(deadline) - 1
    if (this.#timer) return
    this.#time = now()
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref()
  }

  /** Removes a deadline. Does nothing if it is not in the list. The last entry takes its index. */
  remove(deadline: Deadline): void {
    const index = deadline.timerIndex
    if (this.#deadlines[index] !== deadline) return
    const last = this.#deadlines.pop() as Deadline
    if (last === deadline) return
    this.#deadlines[index] = last
    last.timerIndex = index
  }

  /** Stops the timer here and not in `remove`, since under load the next entry follows soon. */
  #tick(): void {
    this.#time = now()
    if (this.#deadlines.length === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    // Iterate from the end: a removal then moves only entries that have been checked.
    for (let index = this.#deadlines.length - 1; index >= 0; index--) {
      const deadline = this.#deadlines[index]
      if (!deadline || deadline.dueAt > this.#time) continue
      this.remove(deadline)
      deadline.onDeadline()
    }
  }
}

/** Sums of fractional times differ from whole numbers by less than this. */
const ROUNDING_ERROR_MS = 1e-6

/** Rounds up to whole milliseconds, and ignores rounding errors of fractions. */
export function wholeMs(ms: number): number {
  return Math.ceil(ms - ROUNDING_ERROR_MS)
}

/** Formats a duration as OpenAI's headers do: `12ms`, `8.64s`, `6m0s`, `1h2m3s`. Rounds up. */
export function formatDuration(ms: number): string {
  const whole = wholeMs(ms)
  if (whole < 1000) return `${whole}ms`
  const seconds = (whole % 60_000) / 1000
  const minutes = Math.floor(whole / 60_000)
  if (minutes === 0) return `${seconds}s`
  return minutes < 60 ? `${minutes}m${seconds}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}s`
}
