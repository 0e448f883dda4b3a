import type { Native } from '../../chat/blocks.js'
import { isObject } from '../../lib/values.js'

/** The language's name: what its own fields, blocks, files and signatures are known by. */
export const ID = 'anthropic-messages'

/** The fields of a value that are none of those named, nor null; undefined when there is none. */
export function ownFields(value: unknown, known: ReadonlySet<string>): Native | undefined {
  if (!isObject(value)) return undefined
  const rest = Object.keys(value).filter((name) => !known.has(name) && value[name] !== null)
  if (rest.length === 0) return undefined
  return { protocol: ID, fields: Object.fromEntries(rest.map((name) => [name, value[name]])) }
}

/** The fields of the language's own, to be written back; none of another's. */
export function ownFieldsOf(native: Native | undefined): Readonly<Record<string, unknown>> {
  return native?.protocol === ID ? native.fields : {}
}
