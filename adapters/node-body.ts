/** A body that is no longer than this is gathered in the pieces that it comes in. */
const SMALL = 256 * 1024

/**
 * A body while it comes. A large one whose length is announced is put straight into its place: pieces that are kept until
 * the end, to be joined then, take twice the memory. Not before some of it has come, since anybody can announce.
 */
export class NodeBody {
  size = 0
  readonly #announced: number
  #pieces: Buffer[] = []
  #place: Buffer | undefined

  constructor(announced: number) {
    this.#announced = announced
  }

  add(piece: Buffer): void {
    const size = this.size + piece.length
    if (this.size > SMALL && size <= this.#announced) this.#settle().set(piece, this.size)
    else this.#scatter(piece)
    this.size = size
  }

  whole(): Buffer {
    if (this.#place) return this.#place.subarray(0, this.size)
    const [only] = this.#pieces
    return only && this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces, this.size)
  }

  /** Gives its memory back: nobody waits for it any more. */
  drop(): void {
    this.#pieces = []
    this.#place = undefined
  }

  /** Where all of it will be, with what has come. */
  #settle(): Buffer {
    if (this.#place) return this.#place
    const place = Buffer.allocUnsafeSlow(this.#announced)
    let at = 0
    for (const piece of this.#pieces) at += piece.copy(place, at)
    this.#pieces = []
    this.#place = place
    return place
  }

  /** Of little, of what nobody announced, and of more than was announced. */
  #scatter(piece: Buffer): void {
    if (this.#place) this.#pieces = [this.#place.subarray(0, this.size)]
    this.#place = undefined
    this.#pieces.push(piece)
  }
}
