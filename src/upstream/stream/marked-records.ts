import { readRecords, type SseRecord, wholeRecords } from '../../lib/sse.js'
import type { InjectedUsage } from '../../protocols/passthrough.js'

/** A record of a stream, and its position in the bytes. */
export interface MarkedRecord {
  readonly start: number
  /** Behind its blank line. */
  readonly end: number
  readonly record: SseRecord
}

const NONE: readonly MarkedRecord[] = []
const BLANK_LINES = ['\n\n', '\n\r\n', '\r\r']

/** Finds the records that contain a mark. Searches the bytes, so that other records are not parsed. */
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

/** The position behind the next blank line. */
function endOfRecord(records: Buffer, from: number): number {
  const ends = BLANK_LINES.map((blank) => ({ at: records.indexOf(blank, from, 'latin1'), length: blank.length }))
  const found = ends.filter(({ at }) => at >= 0).map(({ at, length }) => at + length)
  return Math.min(records.length, ...found)
}

/** Drops the records that report nothing but usage, which the relay asked for and the client did not. */
export function dropUsageRecords(records: Buffer, { marker, isUsageOnly }: InjectedUsage): Buffer {
  const kept: Buffer[] = []
  let position = 0
  for (const { start, end, record } of findMarkedRecords(records, marker)) {
    if (start < position || !isUsageOnly(record)) continue
    kept.push(records.subarray(position, start))
    position = end
  }
  return position === 0 ? records : Buffer.concat([...kept, records.subarray(position)])
}
