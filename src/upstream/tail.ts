const SIZE = 4096

/**
 * The last bytes of a stream, at least 2 KiB of them: its last records tell how all of it went. They are copied: to keep
 * the pieces themselves would pin the memory that each was read into (80 MB more at 1,000 streams).
 */
export class Tail {
  readonly #bytes: Buffer = Buffer.allocUnsafe(SIZE)
  #length = 0

  push(piece: Buffer): void {
    if (piece.length >= SIZE) {
      this.#length = piece.copy(this.#bytes, 0, piece.length - SIZE)
      return
    }
    if (this.#length + piece.length > SIZE) {
      const kept = Math.min(SIZE / 2, SIZE - piece.length)
      this.#bytes.copyWithin(0, this.#length - kept, this.#length)
      this.#length = kept
    }
    this.#length += piece.copy(this.#bytes, this.#length)
  }

  /** What is kept, and what came behind it. */
  with(rest: Buffer | undefined): Buffer {
    const kept = this.#bytes.subarray(0, this.#length)
    return rest ? Buffer.concat([kept, rest]) : kept
  }
}
