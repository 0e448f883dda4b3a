import type { Usage } from '../../chat/usage.js'
import type { SseRecord } from '../../lib/sse.js'
import type { Protocol } from '../../protocols/protocol.js'

/** Typical for text in most languages and tokenizers; Chinese has fewer characters per token. */
const CHARACTERS_PER_TOKEN = 4
/** Size of a record with one token in most protocols. For streams whose last records hold no output. */
const BYTES_PER_TOKEN = 200
/** Length of `data: ` and the blank line. */
const RECORD_OVERHEAD = 8

/** Estimates the tokens of a text from its length in characters. */
export function estimateTokens(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN)
}

/** Whether the upstream reported output tokens. Zero mostly means that it did not count. */
export function reportsOutput(usage: Usage | undefined): boolean {
  return usage !== undefined && usage.output > 0
}

/** A stream that was passed on unread. */
export interface PassedStream {
  readonly protocol: Protocol
  /** In bytes. */
  readonly size: number
  /** Characters of the records before the first output. Close enough to their bytes. */
  readonly preludeChars: number
  /** The last records. */
  readonly last: readonly SseRecord[]
  /** Whether these are all records of the stream. */
  readonly isAll: boolean
}

/** Estimates the output tokens of a stream, by the ratio of output to bytes in its last records. */
export function estimateStream({ protocol, size, preludeChars, last, isAll }: PassedStream): number {
  let characters = 0
  let bytes = 0
  for (const record of last) {
    const length = protocol.readOutputLength(record)
    characters += length
    if (length > 0) bytes += sizeOf(record)
  }
  if (isAll) return estimateTokens(characters)
  const outputBytes = Math.max(0, size - preludeChars)
  return bytes > 0 ? estimateTokens((outputBytes * characters) / bytes) : Math.ceil(outputBytes / BYTES_PER_TOKEN)
}

function sizeOf({ event, data }: SseRecord): number {
  return Buffer.byteLength(data) + RECORD_OVERHEAD + (event === undefined ? 0 : event.length + RECORD_OVERHEAD)
}
