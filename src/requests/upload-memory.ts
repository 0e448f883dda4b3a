import { RelayError } from '../errors.js'
import type { RelayRequest } from '../http.js'

/** Limits the memory of all request bodies with files together. */
export class UploadMemory {
  readonly #maxTotalBytes: number
  readonly #maxBodyBytes: number
  #bytes = 0

  /** `maxBodyBytes`: what counts for a body of unknown length. */
  constructor(maxTotalBytes: number, maxBodyBytes: number) {
    this.#maxTotalBytes = maxTotalBytes
    this.#maxBodyBytes = maxBodyBytes
  }

  /** Reserves memory for a body. Returns the function that releases it. @throws {RelayError} 503 when there is none left */
  admit({ headers }: Pick<RelayRequest, 'headers'>): () => void {
    const announced = Number(headers['content-length'])
    // A compressed body may become any size.
    const isPlain = (headers['content-encoding'] ?? 'identity') === 'identity'
    const bytes = isPlain && announced >= 0 ? Math.min(announced, this.#maxBodyBytes) : this.#maxBodyBytes
    if (this.#bytes > 0 && this.#bytes + bytes > this.#maxTotalBytes) {
      const message = 'The relay has too many uploads in progress. Please try again.'
      throw new RelayError('overloaded', message, { retryAfterMs: 1000 })
    }
    this.#bytes += bytes
    return () => {
      this.#bytes -= bytes
    }
  }
}
