import type Bottleneck from 'bottleneck'
import type { Channel, Pace } from '../call.js'
import { RelayError } from '../errors.js'
import type { Departure } from '../lib/departure.js'

/**
 * Queues toward credentials whose provider wants to be asked gently; the others never come here. Bottleneck has no
 * queue time-out and no way to leave the queue, so a waiter that gave up stays in line and passes its turn on at once.
 */
export class Paces {
  readonly #limiters = new Map<string, Bottleneck>()

  async enter({ credential }: Channel, pace: Pace, departure: Departure): Promise<Release> {
    const limiter = this.#limiters.get(credential.name) ?? (await this.#make(credential.name, pace))
    return new Promise((resolve, reject) => {
      let waiting = true
      const timer = setTimeout(() => giveUp('The queue for this model did not move in time.'), pace.queueMs)
      departure.waiter = { clientLeft: () => giveUp('The client left.') }
      if (departure.left) giveUp('The client left.')
      limiter.schedule(() => new Promise<void>(take)).catch(() => giveUp('The queue for this model is full.'))

      function take(release: Release): void {
        if (!waiting) return release()
        stopWaiting()
        resolve(release)
      }
      function giveUp(message: string): void {
        if (!waiting) return
        stopWaiting()
        reject(new RelayError(departure.left ? 'client_left' : 'upstream_busy', message))
      }
      function stopWaiting(): void {
        waiting = false
        clearTimeout(timer)
        departure.waiter = undefined
      }
    })
  }

  async close(): Promise<void> {
    await Promise.all([...this.#limiters.values()].map((limiter) => limiter.disconnect(true)))
    this.#limiters.clear()
  }

  async #make(name: string, pace: Pace): Promise<Bottleneck> {
    // Loaded when the first paced request comes: most relays pace nothing.
    const { default: Limiter } = await import('bottleneck/light.js')
    const made = new Limiter({
      maxConcurrent: pace.concurrency ?? null,
      minTime: pace.minTimeMs,
      highWater: pace.queue,
      strategy: Limiter.strategy.OVERFLOW,
    })
    const known = this.#limiters.get(name)
    if (known) return known
    this.#limiters.set(name, made)
    return made
  }
}

/** Gives the slot back, once the answer has ended. */
type Release = () => void
