import { RelayError } from '../errors.js'

/** Counts the calls under way, so that a relay can close when the last has ended. */
export class ActiveCalls {
  #count = 0
  #closing = false
  #idle: (() => void) | undefined

  /** @throws {RelayError} `closing` once the relay takes no more */
  begin(): void {
    this.check()
    this.#count++
  }

  /** @throws {RelayError} as {@link begin} */
  check(): void {
    if (this.#closing)
      throw new RelayError('closing', 'The relay is shutting down. Please try again.', { retryAfterMs: 1000 })
  }

  end(): void {
    this.#count--
    if (this.#count === 0) this.#idle?.()
  }

  /** Lets no more begin, and waits for the last to end, but no longer than `ms`. */
  close(ms: number): Promise<void> {
    this.#closing = true
    return new Promise((resolve) => {
      if (this.#count === 0) return resolve()
      const timer = setTimeout(resolve, ms)
      this.#idle = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
