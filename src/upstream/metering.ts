import type { Metering } from '../protocols/passing.js'
import { markedIn } from './marked.js'

/** Whole records without those that only tell of usage, which the relay has asked for and the caller has not. */
export function withoutExtra(records: Buffer, { mark, isExtra }: Metering): Buffer {
  const kept: Buffer[] = []
  let done = 0
  for (const { start, end, record } of markedIn(records, mark)) {
    if (start < done || !isExtra(record)) continue
    kept.push(records.subarray(done, start))
    done = end
  }
  return done === 0 ? records : Buffer.concat([...kept, records.subarray(done)])
}
