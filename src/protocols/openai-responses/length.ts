import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson, textOf } from '../../lib/values.js'

/** Bytes of sound, not words: what is said is told beside it. */
const SOUND = 'response.audio.delta'

/** How many characters of output a record of a stream brings. What is said once more, when a part is done, is not new. */
export function readOutputLength({ event: name, data }: SseRecord): number {
  const event = parseJson(data)
  if (!isObject(event) || typeof event.delta !== 'string') return 0
  return (textOf(event.type) ?? name) === SOUND ? 0 : event.delta.length
}
