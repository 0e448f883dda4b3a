import { readRecords, wholeRecords } from '../lib/sse.js'
import type { Metering } from '../protocols/passing.js'

const BLANK_LINES = ['\n\n', '\n\r\n', '\r\r']

/** Whole records without those that only tell of usage, which the relay has asked for and the caller has not. */
export function withoutExtra(records: Buffer, { mark, isExtra }: Metering): Buffer {
  const kept: Buffer[] = []
  let done = 0
  for (let at = records.indexOf(mark); at >= 0; ) {
    const start = wholeRecords(records.subarray(0, at))
    const end = endOfRecord(records, at)
    const [record, ...others] = readRecords(records.subarray(start, end))
    if (start >= done && record && others.length === 0 && isExtra(record)) {
      kept.push(records.subarray(done, start))
      done = end
    }
    at = records.indexOf(mark, end)
  }
  return done === 0 ? records : Buffer.concat([...kept, records.subarray(done)])
}

/** The place after the next blank line. */
function endOfRecord(records: Buffer, from: number): number {
  const ends = BLANK_LINES.map((blank) => ({ at: records.indexOf(blank, from, 'latin1'), length: blank.length }))
  const found = ends.filter(({ at }) => at >= 0).map(({ at, length }) => at + length)
  return Math.min(records.length, ...found)
}
