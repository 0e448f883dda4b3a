import type { ByteChunks } from '../src/index.js'

/** A body that is no longer than this is not put into its place. */
const SMALL = 256 * 1024
/** Short pieces are joined until they come to so much: each costs some memory, and a write when it is sent on. */
const ROOM = 64 * 1024
/** So many that come to as much are none too short. */
const FEW = 4

/**
 * A body while it comes. It is kept in its pieces, since to copy a large one takes longer than all else that is done with
 * it. Where it is wanted in one piece it is put straight into its place: to join the pieces at the end takes twice the
 * memory. Not before some of it has come, since anybody can announce.
 */
export class Gathering {
  size = 0
  readonly #announced: number
  #pieces: Buffer[] = []
  /** The pieces from here on may be short. */
  #recent = 0
  #recentSize = 0
  #place: Buffer | undefined

  /** `announced`: how long it is said to be; 0 where it is wanted in pieces. */
  constructor(announced: number) {
    this.#announced = announced
  }

  add(piece: Buffer): void {
    const size = this.size + piece.length
    if (this.size > SMALL && size <= this.#announced) this.#settle().set(piece, this.size)
    else this.#scatter(piece)
    this.size = size
  }

  /** It is given away: what others join should not be kept here, too. */
  whole(): ByteChunks {
    this.#tidy()
    const [only] = this.#pieces
    const pieces = only && this.#pieces.length === 1 ? only : this.#pieces
    const whole = this.#place?.subarray(0, this.size) ?? pieces
    this.drop()
    return whole
  }

  /** Nobody waits for it any more. */
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

  #scatter(piece: Buffer): void {
    if (this.#place) this.#pieces = [this.#place.subarray(0, this.size)]
    this.#place = undefined
    this.#pieces.push(piece)
    this.#recentSize += piece.length
    if (this.#recentSize >= ROOM) this.#tidy()
  }

  #tidy(): void {
    const short = this.#pieces.length - this.#recent > FEW ? this.#pieces.splice(this.#recent) : []
    if (short.length > 0) this.#pieces.push(Buffer.concat(short))
    this.#recent = this.#pieces.length
    this.#recentSize = 0
  }
}
