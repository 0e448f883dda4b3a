import { crc32 } from 'node:zlib'

/** One message of `application/vnd.amazon.eventstream`. */
export interface EventFrame {
  /** Those whose value is a text. */
  readonly headers: ReadonlyMap<string, string>
  readonly payload: Buffer
}

/** Two lengths, each of four bytes, and their checksum: as much must be there before anything is known of a frame. */
const PRELUDE_BYTES = 12
const CHECKSUM_BYTES = 4
/** Beyond this no sender goes. */
const MAX_FRAME_BYTES = 32 * 1024 * 1024

/** Reads frames from a stream's pieces, wherever it is cut, at the same cost a byte however small they are. */
export class EventFrameReader {
  #held: Buffer[] = []
  #size = 0
  /** As much is needed before there is something to do. */
  #wanted = PRELUDE_BYTES;

  /** The frames that this piece completes. @throws {Error} at the first that is damaged: what follows it cannot be told apart */
  *read(piece: Buffer): Generator<EventFrame, void> {
    this.#held.push(piece)
    this.#size += piece.length
    while (this.#size >= this.#wanted) {
      const bytes = this.#held.length === 1 ? (this.#held[0] as Buffer) : Buffer.concat(this.#held)
      const length = readFrameLength(bytes)
      const isWhole = bytes.length >= length
      const rest = isWhole ? bytes.subarray(length) : bytes
      this.#held = rest.length > 0 ? [rest] : []
      this.#size = rest.length
      this.#wanted = isWhole ? PRELUDE_BYTES : length
      if (isWhole) yield readFrame(bytes.subarray(0, length))
    }
  }
}

/** How long the frame is that begins here, all of it. */
function readFrameLength(bytes: Buffer): number {
  checkCrc(bytes, PRELUDE_BYTES - CHECKSUM_BYTES)
  const length = bytes.readUInt32BE(0)
  if (length < PRELUDE_BYTES + bytes.readUInt32BE(4) + CHECKSUM_BYTES || length > MAX_FRAME_BYTES) throw new Error('a frame of no length')
  return length
}

function readFrame(bytes: Buffer): EventFrame {
  const end = bytes.length - CHECKSUM_BYTES
  checkCrc(bytes, end)
  const payloadAt = PRELUDE_BYTES + bytes.readUInt32BE(4)
  return { headers: readHeaders(bytes.subarray(PRELUDE_BYTES, payloadAt)), payload: bytes.subarray(payloadAt, end) }
}

/** The checksum that stands at `end` is of all bytes before it. */
function checkCrc(bytes: Buffer, end: number): void {
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32BE(end)) throw new Error('a frame whose checksum is wrong')
}

/** The sizes of values by their type; texts and bytes say their own, in two bytes before them. */
const VALUE_BYTES_BY_TYPE: readonly (number | undefined)[] = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16]
const STRING_TYPE = 7

/** A length byte, the name, a type byte, the value; and so on. @throws {Error} where they do not fit into their bytes */
function readHeaders(bytes: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (let at = 0; at < bytes.length; ) {
    const typeAt = at + 1 + bytes.readUInt8(at)
    const type = bytes.readUInt8(typeAt)
    const known = VALUE_BYTES_BY_TYPE[type]
    const valueAt = typeAt + (known === undefined ? 3 : 1)
    const end = valueAt + (known ?? bytes.readUInt16BE(typeAt + 1))
    if (type >= VALUE_BYTES_BY_TYPE.length || end > bytes.length) throw new Error('a frame with headers that are none')
    if (type === STRING_TYPE) headers.set(bytes.toString('utf8', at + 1, typeAt), bytes.toString('utf8', valueAt, end))
    at = end
  }
  return headers
}
