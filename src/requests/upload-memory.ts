import { RelayError } from '../errors.js'
import type { RelayRequest } from '../http.js'

/** Bounds what bodies that are held in memory come to together. */
export class UploadMemory {
  readonly #mostBytes: number
  readonly #mostEach: number
  #bytes = 0

  /** `mostEach`: what one may come to that does not say how long it is. */
  constructor(mostBytes: number, mostEach: number) {
    this.#mostBytes = mostBytes
    this.#mostEach = mostEach
  }

  /** Lets one in; what is given ends it. @throws {RelayError} 503 when there is no room */
  admit({ headers }: Pick<RelayRequest, 'headers'>): () => void {
    const announced = Number(headers['content-length'])
    // What is packed may come to anything.
    const isPlain = (headers['content-encoding'] ?? 'identity') === 'identity'
    const bytes = isPlain && announced >= 0 ? Math.min(announced, this.#mostEach) : this.#mostEach
    if (this.#bytes > 0 && this.#bytes + bytes > this.#mostBytes) {
      const message = 'The relay has too many uploads under way. Please try again.'
      throw new RelayError('overloaded', message, { retryAfterMs: 1000 })
    }
    this.#bytes += bytes
    return () => {
      this.#bytes -= bytes
    }
  }
}
