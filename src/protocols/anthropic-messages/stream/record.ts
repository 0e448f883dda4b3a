/** Writes one record. The type is also on the `event:` line, the only one that the official SDK reads. */
export function writeRecord(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
}

/** The text of a delta's record up to its JSON string. {@link AFTER_DELTA} follows the string. */
export function beforeDelta(index: number, type: string, field: string): string {
  const record = { type: 'content_block_delta', index, delta: { type } }
  return `event: content_block_delta\ndata: ${JSON.stringify(record).slice(0, -2)},"${field}":`
}

export const AFTER_DELTA = '}}\n\n'
