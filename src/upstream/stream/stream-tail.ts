import { wholeRecords } from '../../lib/sse.js'

const SIZE = 4096
/** Length of the longest blank line, `\r\n\r\n`. */
const MAX_BLANK_LINE = 4

/**
 * Keeps the last bytes of a stream: at least 2 KiB and at least one record, since the last records show how the stream
 * ended. Copies them, because a chunk pins the whole buffer it was read into (80 MB more at 1,000 streams). Only a longer
 * record is kept without a copy, until enough bytes have followed it.
 */
export class StreamTail {
  readonly #bytes: Buffer = Buffer.allocUnsafe(SIZE)
  #length = 0
  #long: Buffer | undefined

  /** Adds a chunk that ends with a complete record. */
  push(chunk: Buffer): void {
    if (chunk.length >= SIZE) return this.#pushLong(chunk)
    if (this.#length + chunk.length > SIZE) {
      const kept = Math.min(SIZE / 2, SIZE - chunk.length)
      this.#bytes.copyWithin(0, this.#length - kept, this.#length)
      this.#length = kept
      this.#long = undefined
    }
    this.#length += chunk.copy(this.#bytes, this.#length)
  }

  /** The last bytes, followed by `rest`. */
  with(rest: Buffer | undefined): Buffer {
    const kept = this.#bytes.subarray(0, this.#length)
    if (!rest && !this.#long) return kept
    return Buffer.concat([this.#long ?? EMPTY, kept, rest ?? EMPTY])
  }

  #pushLong(chunk: Buffer): void {
    const start = wholeRecords(chunk.subarray(0, -MAX_BLANK_LINE))
    if (start < chunk.length - SIZE) {
      this.#long = chunk.subarray(start)
      this.#length = 0
      return
    }
    this.#long = undefined
    this.#length = chunk.copy(this.#bytes, 0, chunk.length - SIZE)
  }
}

const EMPTY = Buffer.alloc(0)
