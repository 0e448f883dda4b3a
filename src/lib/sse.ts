import { createParser } from 'eventsource-parser'

/** One record of a stream of server-sent events. */
export interface SseRecord {
  /** The `event:` line, if there was one. */
  readonly event: string | undefined
  readonly data: string
}

/**
 * The records in these bytes, by the rules of the WHATWG for line ends, comments and joined lines. Bytes from a stream
 * are cut by {@link wholeRecords} first: then no character is split, and nothing need be remembered from call to call.
 * The last record may lack its blank line.
 */
export function readRecords(bytes: Buffer): SseRecord[] {
  const records: SseRecord[] = []
  const parser = createParser({ onEvent: ({ event, data }) => records.push({ event, data }) })
  // The parser looks for both ends of every line to the end of all, once there is a CR.
  const text = bytes.toString().replace(/\r\n?/g, '\n')
  parser.feed(`${text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text}\n\n`)
  return records
}

const BYTE_ORDER_MARK = 0xfeff
const LF = 0x0a

/** How many of these bytes are whole records: the place after a blank line near the end, 0 if there is none. */
export function wholeRecords(bytes: Buffer): number {
  const length = bytes.length
  if (bytes[length - 1] === LF && bytes[length - 2] === LF) return length
  // A blank line that ends in a CR may still get its LF: that is one more blank line then, and does no harm.
  // One spelling is looked for at a time: a search for what is not there reads all bytes, and an earlier place will do.
  return endOfLast(bytes, '\n\n') || endOfLast(bytes, '\n\r\n') || endOfLast(bytes, '\r\r')
}

/** Gathers a stream's bytes into whole records, at the same cost a byte however small the pieces and long the records. */
export class RecordGatherer {
  /** What no record has ended yet, with room for more. */
  #bytes = NOTHING
  #length = 0

  /** How much has come of a record that has not ended. */
  get pendingBytes(): number {
    return this.#length
  }

  /** The records that this piece completes; empty while it completes none. */
  push(piece: Buffer): Buffer {
    if (this.#length === 0) return this.#cut(piece, 0)
    // A blank line may have begun in what came before.
    const from = Math.max(0, this.#length - MAX_CARRIED_BLANK_BYTES)
    this.#append(piece)
    return this.#cut(this.#bytes.subarray(0, this.#length), from)
  }

  /** The last record, which may lack its blank line. */
  rest(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #cut(bytes: Buffer, from: number): Buffer {
    let whole = 0
    for (let more = wholeRecords(bytes.subarray(from)); more > 0; more = wholeRecords(bytes.subarray(whole))) {
      whole = Math.max(whole, from) + more
    }
    if (whole > 0 || this.#length === 0) {
      this.#bytes = Buffer.from(bytes.subarray(whole))
      this.#length = this.#bytes.length
    }
    return bytes.subarray(0, whole)
  }

  #append(piece: Buffer): void {
    const length = this.#length + piece.length
    if (length > this.#bytes.length) {
      const roomier = Buffer.allocUnsafe(2 * length)
      this.#bytes.copy(roomier, 0, 0, this.#length)
      this.#bytes = roomier
    }
    piece.copy(this.#bytes, this.#length)
    this.#length = length
  }
}

const NOTHING: Buffer = Buffer.alloc(0)
/** As much of a blank line as may stand in the piece before: it is at most `\r\n\r\n`. */
const MAX_CARRIED_BLANK_BYTES = 3

function endOfLast(bytes: Buffer, blank: string): number {
  const at = bytes.lastIndexOf(blank, undefined, 'latin1')
  return at < 0 ? 0 : at + blank.length
}
