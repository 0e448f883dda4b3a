import { createParser } from 'eventsource-parser'

/** One record of a stream of server-sent events. */
export interface SseRecord {
  /** The `event:` line, if there was one. */
  readonly event: string | undefined
  readonly data: string
}

/**
 * Parses records by the WHATWG's rules for line ends, comments and data of several lines. The last record may lack its
 * blank line. Keeps no state between calls, so the calling code first cuts a stream's bytes at {@link wholeRecords}.
 */
export function readRecords(bytes: Buffer): SseRecord[] {
  const records: SseRecord[] = []
  const parser = createParser({ onEvent: ({ event, data }) => records.push({ event, data }) })
  // For text with a CR, the parser searches all the remaining text for LF and CR at every line. So pass it only LFs.
  const received = bytes.toString()
  const text = received.includes('\r') ? received.replace(/\r\n?/g, '\n') : received
  parser.feed(`${text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text}\n\n`)
  return records
}

const BYTE_ORDER_MARK = 0xfeff
const LF = 0x0a

/** Returns the length of the complete records at the start of `bytes`: the offset after a blank line near the end, or 0. */
export function wholeRecords(bytes: Buffer): number {
  const length = bytes.length
  if (bytes[length - 1] === LF && bytes[length - 2] === LF) return length
  // If a LF follows the CR that ends a blank line, it counts as one more blank line, which is harmless.
  // Search for one spelling at a time: a search without a match reads all bytes. An earlier blank line is good enough.
  return endOfLast(bytes, '\n\n') || endOfLast(bytes, '\n\r\n') || endOfLast(bytes, '\r\r')
}

/** Collects a stream's bytes into complete records. The cost is linear in the bytes, for any size of chunks and records. */
export class RecordGatherer {
  /** Bytes of the incomplete record, with spare capacity. */
  #bytes = NOTHING
  #length = 0

  /** Bytes of the incomplete record so far. */
  get pendingBytes(): number {
    return this.#length
  }

  /** Adds a chunk. Returns the records that it completes, or an empty buffer. */
  push(chunk: Buffer): Buffer {
    if (this.#length === 0) return this.#cut(chunk, 0)
    // A blank line may have begun in the previous chunk.
    const from = Math.max(0, this.#length - MAX_CARRIED_BLANK_BYTES)
    this.#append(chunk)
    return this.#cut(this.#bytes.subarray(0, this.#length), from)
  }

  /** At the end of a stream: the last record, if it has no blank line. */
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

  #append(chunk: Buffer): void {
    const length = this.#length + chunk.length
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * length)
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    chunk.copy(this.#bytes, this.#length)
    this.#length = length
  }
}

const NOTHING: Buffer = Buffer.alloc(0)
/** The longest blank line is `\r\n\r\n`. Up to three bytes of it may be in the previous chunk. */
const MAX_CARRIED_BLANK_BYTES = 3

function endOfLast(bytes: Buffer, blank: string): number {
  const at = bytes.lastIndexOf(blank, undefined, 'latin1')
  return at < 0 ? 0 : at + blank.length
}
