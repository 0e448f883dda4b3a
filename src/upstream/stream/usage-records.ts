import type { InjectedUsage } from '../../protocols/passthrough.js'
import { findMarkedRecords } from './marked-records.js'

/** Whole records without those that only tell of usage, which the relay has asked for and the caller has not. */
export function dropUsageRecords(records: Buffer, { mark, isUsageOnly }: InjectedUsage): Buffer {
  const kept: Buffer[] = []
  let done = 0
  for (const { start, end, record } of findMarkedRecords(records, mark)) {
    if (start < done || !isUsageOnly(record)) continue
    kept.push(records.subarray(done, start))
    done = end
  }
  return done === 0 ? records : Buffer.concat([...kept, records.subarray(done)])
}
