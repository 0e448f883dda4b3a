import type { Usage } from '../../chat/usage.js'
import { readRecords, type SseRecord } from '../../lib/sse.js'
import type { Protocol } from '../../protocols/protocol.js'

/** Of text in most languages and tokenizers; code has fewer, Chinese more tokens. */
const CHARACTERS_PER_TOKEN = 4
/** A record with one token, as most languages write it: for a stream of whose output nothing is left to look at. */
const BYTES_PER_TOKEN = 200
/** `data: ` and a blank line. */
const AROUND_DATA = 8

/** About how many tokens so many characters are. */
export function estimateTokens(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN)
}

/** Whether the upstream has told how much was written. A count of nothing is most often one that was never made. */
export function reportsOutput(usage: Usage | undefined): boolean {
  return usage !== undefined && usage.output > 0
}

/** A stream that has been passed on unread. */
export interface PassedStream {
  readonly protocol: Protocol
  /** All its bytes, and how many of them came before its first output. */
  readonly size: number
  readonly preludeLength: number
  /** The last of them. */
  readonly last: Buffer
}

/** About how many tokens a stream has told: as many to a byte as in its last records that told any. */
export function estimateStream({ protocol, size, preludeLength, last }: PassedStream): number {
  let characters = 0
  let bytes = 0
  for (const record of readRecords(last)) {
    const length = protocol.readOutputLength(record)
    characters += length
    if (length > 0) bytes += sizeOf(record)
  }
  if (size <= last.length) return estimateTokens(characters)
  const told = Math.max(0, size - preludeLength)
  return bytes > 0 ? estimateTokens((told * characters) / bytes) : Math.ceil(told / BYTES_PER_TOKEN)
}

function sizeOf({ event, data }: SseRecord): number {
  return Buffer.byteLength(data) + AROUND_DATA + (event === undefined ? 0 : event.length + AROUND_DATA)
}
