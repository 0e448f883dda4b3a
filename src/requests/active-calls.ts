import { RelayError } from '../errors.js'

/** Counts the calls in progress, so that a relay can close after the last. */
export class ActiveCalls {
  #count = 0
  #isClosing = false
  #onIdle: (() => void) | undefined

  /** Counts a new call. @throws {RelayError} `closing` once the relay is closing */
  begin(): void {
    this.check()
    this.#count++
  }

  /** @throws {RelayError} as {@link begin} */
  check(): void {
    if (this.#isClosing)
      throw new RelayError('closing', 'The relay is shutting down. Please try again.', { retryAfterMs: 1000 })
  }

  end(): void {
    this.#count--
    if (this.#count === 0) this.#onIdle?.()
  }

  /** Refuses new calls, and waits for the running ones, at most `timeoutMs`. */
  close(timeoutMs: number): Promise<void> {
    this.#isClosing = true
    return new Promise((resolve) => {
      if (this.#count === 0) return resolve()
      const timer = setTimeout(resolve, timeoutMs)
      this.#onIdle = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
