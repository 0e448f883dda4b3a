/** Writes one record. Repeats the type on the `event:` line, where the official SDK reads it. */
export function writeRecord(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
}

/** The text of a delta's record up to its JSON string. {@link DELTA_SUFFIX} follows the string. */
export function deltaPrefix(index: number, type: string, field: string): string {
  const record = { type: 'content_block_delta', index, delta: { type } }
  return `event: content_block_delta\ndata: ${JSON.stringify(record).slice(0, -2)},"${field}":`
}

export const DELTA_SUFFIX = '}}\n\n'
