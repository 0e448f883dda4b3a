import { decoded } from '../../lib/json.js'
import { type Edit, findValue } from '../../lib/splice.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import { isNonEmptyList } from '../body.js'
import type { Field } from '../field.js'
import type { InjectedUsage } from '../passthrough.js'
import { findUsage } from './usage.js'

/** The chunk that tells of usage when it was asked for: it has no choices, and clients that did not ask trip over it. */
export const metering: InjectedUsage = {
  // Not `usage`, which stands in every chunk, as null, once one was asked for.
  mark: Buffer.from('"prompt_tokens"'),
  isUsageOnly({ data }: SseRecord): boolean {
    const chunk = parseJson(data)
    return (
      isObject(chunk) &&
      Array.isArray(chunk.choices) &&
      !isNonEmptyList(chunk.choices) &&
      findUsage(chunk) !== undefined
    )
  },
}

/** What is to stand in a body, parsed from `text`, that has its stream tell of usage; undefined where nothing need or can. */
export function findAsking(root: Field, text: string): Edit | undefined {
  const options = root.get('stream_options')
  if (options.value === undefined) return atBeginning(text)
  const given = options.given ? options.value : {}
  if (!isObject(given) || given.include_usage === true) return undefined
  const at = findValue(text, 'stream_options')
  return at && { at, text: decoded(JSON.stringify({ ...given, include_usage: true })) }
}

/** Before the first field: there is one, `model`. */
function atBeginning(text: string): Edit {
  const start = text.indexOf('{') + 1
  return { at: { start, end: start }, text: '"stream_options":{"include_usage":true},' }
}
