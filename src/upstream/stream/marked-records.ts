import { readRecords, type SseRecord, wholeRecords } from '../../lib/sse.js'

/** A record, and where it stands among others. */
export interface MarkedRecord {
  readonly start: number
  /** After its blank line. */
  readonly end: number
  readonly record: SseRecord
}

const NONE: readonly MarkedRecord[] = []
const BLANK_LINES = ['\n\n', '\n\r\n', '\r\r']

/** Those of whole records that bear a mark. It is looked for among the bytes: the others are not parsed. */
export function findMarkedRecords(records: Buffer, mark: Buffer): readonly MarkedRecord[] {
  let at = records.indexOf(mark)
  if (at < 0) return NONE
  const marked: MarkedRecord[] = []
  while (at >= 0) {
    const start = wholeRecords(records.subarray(0, at))
    const end = endOfRecord(records, at)
    const [record, ...others] = readRecords(records.subarray(start, end))
    if (record && others.length === 0) marked.push({ start, end, record })
    at = records.indexOf(mark, end)
  }
  return marked
}

/** The place after the next blank line. */
function endOfRecord(records: Buffer, from: number): number {
  const ends = BLANK_LINES.map((blank) => ({ at: records.indexOf(blank, from, 'latin1'), length: blank.length }))
  const found = ends.filter(({ at }) => at >= 0).map(({ at, length }) => at + length)
  return Math.min(records.length, ...found)
}
