import { wholeRecords } from '../../lib/sse.js'

const SIZE = 4096
/** No blank line between records is longer. */
const BLANK_LINE = 4

/**
 * The last bytes of a stream, at least 2 KiB of them and at least one record: its last records tell how all of it went.
 * They are copied: to keep the pieces themselves would pin the memory that each was read into (80 MB more at 1,000
 * streams). Only a record too long for that is kept as it came, until enough has followed it.
 */
export class StreamTail {
  readonly #bytes: Buffer = Buffer.allocUnsafe(SIZE)
  #length = 0
  #long: Buffer | undefined

  /** A piece ends with a record, unless that has no end. */
  push(piece: Buffer): void {
    if (piece.length >= SIZE) return this.#pushLong(piece)
    if (this.#length + piece.length > SIZE) {
      const kept = Math.min(SIZE / 2, SIZE - piece.length)
      this.#bytes.copyWithin(0, this.#length - kept, this.#length)
      this.#length = kept
      this.#long = undefined
    }
    this.#length += piece.copy(this.#bytes, this.#length)
  }

  /** What is kept, and what came behind it. */
  with(rest: Buffer | undefined): Buffer {
    const kept = this.#bytes.subarray(0, this.#length)
    if (!rest && !this.#long) return kept
    return Buffer.concat([this.#long ?? EMPTY, kept, rest ?? EMPTY])
  }

  #pushLong(piece: Buffer): void {
    const start = wholeRecords(piece.subarray(0, -BLANK_LINE))
    if (start < piece.length - SIZE) {
      this.#long = piece.subarray(start)
      this.#length = 0
      return
    }
    this.#long = undefined
    this.#length = piece.copy(this.#bytes, 0, piece.length - SIZE)
  }
}

const EMPTY = Buffer.alloc(0)
