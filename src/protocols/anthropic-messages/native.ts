import type { Native } from '../../chat/blocks.js'
import { isObject } from '../../lib/values.js'
import { PROTOCOL_ID } from './traits.js'

/** Reads the fields that are neither known nor null. Returns undefined where none are left. */
export function readNative(value: unknown, known: ReadonlySet<string>): Native | undefined {
  if (!isObject(value)) return undefined
  const rest = Object.keys(value).filter((name) => !known.has(name) && value[name] !== null)
  if (rest.length === 0) return undefined
  return { protocol: PROTOCOL_ID, fields: Object.fromEntries(rest.map((name) => [name, value[name]])) }
}

/** Returns this protocol's native fields, and an empty object for those of another protocol. */
export function nativeFields(native: Native | undefined): Readonly<Record<string, unknown>> {
  return native?.protocol === PROTOCOL_ID ? native.fields : {}
}
