import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'

/** How many characters of output a record of a stream brings. */
export function readOutputLength({ data }: SseRecord): number {
  const record = parseJson(data)
  if (!isObject(record)) return 0
  const grown = record.type === 'content_block_delta' ? record.delta : record.content_block
  if (!isObject(grown)) return 0
  const text = grown.text ?? grown.thinking ?? grown.partial_json
  return typeof text === 'string' ? text.length : 0
}
