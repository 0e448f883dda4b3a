import type { Span } from './json.js'

/** The same bytes with the value at `span` written anew. All else, down to the white space, stays as it came. */
export function splice(bytes: Buffer, span: Span, value: unknown): Buffer {
  return Buffer.concat([bytes.subarray(0, span.start), Buffer.from(JSON.stringify(value)), bytes.subarray(span.end)])
}
