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
  const text = bytes.toString()
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
  return after(bytes, '\n\n') || after(bytes, '\n\r\n') || after(bytes, '\r\r')
}

function after(bytes: Buffer, blank: string): number {
  const at = bytes.lastIndexOf(blank, undefined, 'latin1')
  return at < 0 ? 0 : at + blank.length
}
