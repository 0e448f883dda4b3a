import type { Native } from '../../chat/blocks.js'
import { isObject } from '../../lib/values.js'

/** The language's name: what its own fields, blocks, files and signatures are known by. */
export const ID = 'anthropic-messages'

/** The fields of a value that are none of those named, nor null; undefined when there is none. */
export function ownFields(value: unknown, known: ReadonlySet<string>): Native | undefined {
  if (!isObject(value)) return undefined
  const rest = Object.entries(value).filter(([name, field]) => !known.has(name) && field !== null)
  return rest.length > 0 ? { protocol: ID, fields: Object.fromEntries(rest) } : undefined
}

/** The fields of the language's own, to be written back; none of another's. */
export function ownFieldsOf(native: Native | undefined): Readonly<Record<string, unknown>> {
  return native?.protocol === ID ? native.fields : {}
}
