import { wholeRecords } from '../../lib/sse.js'

const SIZE = 4096

/**
 * Keeps the last bytes of a stream: at least 2 KiB and at least one record, since the last records show how the stream
 * ended. Copies them, because a chunk pins the whole buffer it was read into (80 MB more at 1,000 streams). Only a longer
 * record is kept without a copy, with what has arrived together with it, until enough bytes have followed.
 */
export class StreamTail {
  readonly #bytes: Buffer = Buffer.allocUnsafe(SIZE)
  #length = 0
  #long: Buffer | undefined
  /** Where in the kept bytes a record begins for certain: 0 unless they may begin within one, `Infinity` if nowhere. */
  #recordStart = 0

  /** Adds a chunk that ends with a complete record. */
  push(chunk: Buffer): void {
    if (chunk.length >= SIZE) return this.#pushLong(chunk)
    if (this.#length + chunk.length > SIZE) {
      const kept = Math.min(SIZE / 2, SIZE - chunk.length)
      this.#bytes.copyWithin(0, this.#length - kept, this.#length)
      this.#length = kept
      this.#long = undefined
      this.#recordStart = kept
    }
    this.#length += chunk.copy(this.#bytes, this.#length)
  }

  /** The last bytes, followed by `rest`. Begins with a whole record where its blank lines are plain: parsing half a record is slow. */
  with(rest: Buffer | undefined): Buffer {
    const kept = this.#bytes.subarray(this.#firstRecord(), this.#length)
    if (!rest && !this.#long) return kept
    return Buffer.concat([this.#long ?? EMPTY, kept, rest ?? EMPTY])
  }

  #firstRecord(): number {
    if (this.#recordStart === 0) return 0
    const start = Math.min(this.#bytes.indexOf(BLANK_LINE) + BLANK_LINE.length, this.#recordStart)
    return start >= BLANK_LINE.length && start < this.#length ? start : 0
  }

  #pushLong(chunk: Buffer): void {
    const from = chunk.length - SIZE
    // The last bytes begin within this record, or at it.
    const start = wholeRecords(chunk.subarray(0, from))
    const isLong = from - start > SIZE / 2 || wholeRecords(chunk.subarray(from, from + SIZE / 2)) === 0
    if (start < from && isLong) {
      this.#long = chunk.subarray(start)
      this.#length = 0
      this.#recordStart = 0
      return
    }
    this.#long = undefined
    this.#length = chunk.copy(this.#bytes, 0, from)
    this.#recordStart = start < from ? Number.POSITIVE_INFINITY : 0
  }
}

const EMPTY = Buffer.alloc(0)
const BLANK_LINE = Buffer.from('\n\n')
