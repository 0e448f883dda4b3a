import type { ClientConnection } from './client-connection.js'

/** Milliseconds that never run backwards; for every duration and rest. Wall time is for dates only. */
export function now(): number {
  return performance.now()
}

/** What a timer can count: 24.8 days. Beyond it Node would ring at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Waits so long, or until the client leaves. */
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

/** One that waits for something, and is rung when it has not come by its deadline. */
export interface Deadline {
  /** On {@link now}'s clock. May be moved at will; `Infinity` is never. */
  readonly dueAt: number
  /** The alarms' own: where it stands in their list. */
  timerIndex: number
  onDeadline(): void
}

const TICK_MS = 50

/**
 * Deadlines for many waits of which few ever ring. They share one timer and one look at the clock: to wait costs a place
 * in a list, to move a deadline an assignment. (A timer each would cost 1 µs, and a Set its old tables: garbage that
 * keeps garbage alive.) Exact to about 50 ms. Runs only while someone waits, and keeps no process alive.
 */
export class DeadlineTimer {
  readonly #waiting: Deadline[] = []
  #timer: NodeJS.Timeout | undefined
  #time = 0

  /** The time as of the last tick: good enough to set a deadline by, and free. */
  get time(): number {
    return this.#timer ? this.#time : now()
  }

  add(who: Deadline): void {
    who.timerIndex = this.#waiting.push(who) - 1
    if (this.#timer) return
    this.#time = now()
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref()
  }

  /** The last in the list takes the place of the one that leaves. */
  remove(who: Deadline): void {
    const index = who.timerIndex
    if (this.#waiting[index] !== who) return
    const last = this.#waiting.pop() as Deadline
    if (last === who) return
    this.#waiting[index] = last
    last.timerIndex = index
  }

  /** One tick without anyone is let pass before the timer stops: under load someone will be back at once. */
  #tick(): void {
    this.#time = now()
    if (this.#waiting.length === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    // From the end, where a removal moves only what has been seen.
    for (let index = this.#waiting.length - 1; index >= 0; index--) {
      const who = this.#waiting[index]
      if (!who || who.dueAt > this.#time) continue
      this.remove(who)
      who.onDeadline()
    }
  }
}

/** Sums of times miss whole numbers by less. */
const ROUNDING_ERROR_MS = 1e-6

/** Whole milliseconds: not shorter, but for the dust of fractions. */
export function wholeMs(ms: number): number {
  return Math.ceil(ms - ROUNDING_ERROR_MS)
}

/** `12ms`, `8.64s`, `6m0s`, `1h2m3s`: as OpenAI spells how long something takes. Never shorter than it is. */
export function formatDuration(ms: number): string {
  const whole = wholeMs(ms)
  if (whole < 1000) return `${whole}ms`
  const seconds = (whole % 60_000) / 1000
  const minutes = Math.floor(whole / 60_000)
  if (minutes === 0) return `${seconds}s`
  return minutes < 60 ? `${minutes}m${seconds}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}s`
}
