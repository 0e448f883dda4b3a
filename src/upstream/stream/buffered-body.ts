import type { RelayError } from '../../errors.js'
import type { BodyConsumer } from '../attempt/attempt-events.js'

/** The relay holds no larger answer in memory. */
export const MAX_ANSWER_BYTES: number = 256 * 1024 * 1024

/** Collects a body up to a limit. Calls back without a body when it is larger, and with an error when the connection fails. */
export class BufferedBody implements BodyConsumer {
  readonly #limit: number
  readonly #onDone: (body: Buffer | undefined, error?: RelayError) => void
  readonly #chunks: Buffer[] = []
  #size = 0

  constructor(limit: number, onDone: (body: Buffer | undefined, error?: RelayError) => void) {
    this.#limit = limit
    this.#onDone = onDone
  }

  write(chunk: Buffer): boolean {
    this.#size += chunk.length
    if (this.#size <= this.#limit) this.#chunks.push(chunk)
    else {
      this.#chunks.length = 0
      this.#onDone(undefined)
    }
    return true
  }

  end(): void {
    const [first] = this.#chunks
    this.#onDone(first && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks, this.#size))
  }

  fail(error: RelayError): void {
    this.#onDone(undefined, error)
  }
}
