import { crc32 } from 'node:zlib'

/** One message of `application/vnd.amazon.eventstream`. */
export interface EventFrame {
  /** Only the headers with a string value. */
  readonly headers: ReadonlyMap<string, string>
  readonly payload: Buffer
}

/** A frame starts with its total length, the length of its headers and a checksum of both, of four bytes each. */
const PRELUDE_BYTES = 12
const CHECKSUM_BYTES = 4
/** A larger length is taken for damage. */
const MAX_FRAME_BYTES = 32 * 1024 * 1024

/** Reads frames from a stream's chunks. The cost is linear in the bytes, for any size of chunks. */
export class EventFrameReader {
  #chunks: Buffer[] = []
  #size = 0
  /** Number of bytes that the next step needs. */
  #neededBytes = PRELUDE_BYTES;

  /** Adds a chunk and yields the frames that it completes. @throws {Error} at a damaged frame, since no later frame can be found */
  *read(chunk: Buffer): Generator<EventFrame, void> {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    while (this.#size >= this.#neededBytes) {
      const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks)
      const length = readFrameLength(bytes)
      const isWhole = bytes.length >= length
      const rest = isWhole ? bytes.subarray(length) : bytes
      this.#chunks = rest.length > 0 ? [rest] : []
      this.#size = rest.length
      this.#neededBytes = isWhole ? PRELUDE_BYTES : length
      if (isWhole) yield readFrame(bytes.subarray(0, length))
    }
  }
}

/** Returns the total length in bytes of the frame at the start of `bytes`. @throws {Error} for a damaged prelude */
function readFrameLength(bytes: Buffer): number {
  checkCrc(bytes, PRELUDE_BYTES - CHECKSUM_BYTES)
  const length = bytes.readUInt32BE(0)
  if (length < PRELUDE_BYTES + bytes.readUInt32BE(4) + CHECKSUM_BYTES || length > MAX_FRAME_BYTES)
    throw new Error('The length of an event-stream frame is invalid.')
  return length
}

function readFrame(bytes: Buffer): EventFrame {
  const end = bytes.length - CHECKSUM_BYTES
  checkCrc(bytes, end)
  const payloadAt = PRELUDE_BYTES + bytes.readUInt32BE(4)
  return { headers: readHeaders(bytes.subarray(PRELUDE_BYTES, payloadAt)), payload: bytes.subarray(payloadAt, end) }
}

/** Compares the checksum at `end` with that of all bytes before it. @throws {Error} if they differ */
function checkCrc(bytes: Buffer, end: number): void {
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32BE(end))
    throw new Error('The checksum of an event-stream frame is wrong.')
}

/** Bytes of a value, by its type. Undefined for byte arrays and strings: two bytes before the value hold its length. */
const VALUE_BYTES_BY_TYPE: readonly (number | undefined)[] = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16]
const STRING_TYPE = 7

/** Reads headers. Each has a length byte, the name, a type byte and the value. @throws {Error} if a header exceeds the bytes */
function readHeaders(bytes: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (let at = 0; at < bytes.length; ) {
    const typeAt = at + 1 + bytes.readUInt8(at)
    const type = bytes.readUInt8(typeAt)
    const known = VALUE_BYTES_BY_TYPE[type]
    const valueAt = typeAt + (known === undefined ? 3 : 1)
    const end = valueAt + (known ?? bytes.readUInt16BE(typeAt + 1))
    if (type >= VALUE_BYTES_BY_TYPE.length || end > bytes.length)
      throw new Error('The headers of an event-stream frame are invalid.')
    if (type === STRING_TYPE) headers.set(bytes.toString('utf8', at + 1, typeAt), bytes.toString('utf8', valueAt, end))
    at = end
  }
  return headers
}
