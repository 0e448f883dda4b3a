import { createParser } from 'eventsource-parser'

/** One record of a stream of server-sent events. */
export interface SseRecord {
  /** The `event:` line, if there was one. */
  readonly event: string | undefined
  readonly data: string
}

/** A record longer than this is not one: 16 MiB of base64 image is the largest that providers send. */
const LARGEST_RECORD = 24 * 1024 * 1024

/** Takes bytes cut anywhere and gives whole records, by the rules of the WHATWG for line ends, comments and joined lines. */
export class SseReader {
  readonly #decoder = new TextDecoder()
  readonly #parser: ReturnType<typeof createParser>
  #records: SseRecord[] = []

  constructor() {
    this.#parser = createParser({
      onEvent: ({ event, data }) => this.#records.push({ event, data }),
      maxBufferSize: LARGEST_RECORD,
    })
  }

  /** The records that these bytes complete. */
  read(bytes: Uint8Array): SseRecord[] {
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }))
    return this.#take()
  }

  /** The last record, when its closing blank line never came. */
  end(): SseRecord[] {
    this.#parser.feed(`${this.#decoder.decode()}\n\n`)
    return this.#take()
  }

  #take(): SseRecord[] {
    const records = this.#records
    this.#records = []
    return records
  }
}

const LF = 0x0a

/** How many of these bytes are whole records: the place after the last blank line, 0 if there is none. */
export function wholeRecords(bytes: Buffer): number {
  const length = bytes.length
  if (bytes[length - 1] === LF && bytes[length - 2] === LF) return length
  // A blank line that ends in a CR may still get its LF: that is one more blank line then, and does no harm.
  return Math.max(after(bytes, '\n\n'), after(bytes, '\n\r\n'), after(bytes, '\r\r'))
}

function after(bytes: Buffer, blank: string): number {
  const at = bytes.lastIndexOf(blank, undefined, 'latin1')
  return at < 0 ? 0 : at + blank.length
}
