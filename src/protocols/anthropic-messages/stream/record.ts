/** One record of a stream. Its type stands twice: the official client looks at the `event:` line only. */
export function writeRecord(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
}

/** What stands before the JSON text of a delta's growing string; {@link AFTER_DELTA} stands after it. */
export function beforeDelta(index: number, type: string, field: string): string {
  const record = { type: 'content_block_delta', index, delta: { type } }
  return `event: content_block_delta\ndata: ${JSON.stringify(record).slice(0, -2)},"${field}":`
}

export const AFTER_DELTA = '}}\n\n'
