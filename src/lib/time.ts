import type { Departure } from './departure.js'

/** Milliseconds that never run backwards; for every duration and rest. Wall time is for dates only. */
export function now(): number {
  return performance.now()
}

const MONTHS = 2 ** 31 - 1

/** Waits, or until the client leaves. Longer than a timer can count is as long as a timer can count. */
export function sleep(ms: number, departure: Departure): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, Math.min(ms, MONTHS))
    departure.onLeave = done
    if (departure.left) done()
    function done(): void {
      clearTimeout(timer)
      departure.onLeave = undefined
      resolve()
    }
  })
}

/** One that can be rung. */
interface Ringing {
  ring(): void
}

const TICK_MS = 50

/**
 * Deadlines for many waits of which few ever ring: they share one timer, so that setting and dropping one costs a Map
 * entry. Exact to about 50 ms. The timer runs only while someone waits, and keeps no process alive.
 */
export class Alarms {
  readonly #due = new Map<Ringing, number>()
  #timer: NodeJS.Timeout | undefined

  set(who: Ringing, ms: number): void {
    this.#due.set(who, now() + ms)
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref()
  }

  drop(who: Ringing): void {
    this.#due.delete(who)
  }

  #tick(): void {
    const time = now()
    for (const [who, due] of this.#due) {
      if (due > time) continue
      this.#due.delete(who)
      who.ring()
    }
    if (this.#due.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
