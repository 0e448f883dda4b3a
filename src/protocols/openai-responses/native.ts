import type { Native } from '../../chat/blocks.js'
import { PROTOCOL_ID } from './traits.js'

/** Reads the native fields of an object: all that are not known and not null. Undefined without any. */
export function readNative(value: object, known: ReadonlySet<string>): Native | undefined {
  const entries = Object.entries(value).filter(([name, inner]) => !known.has(name) && inner !== null)
  return entries.length === 0 ? undefined : { protocol: PROTOCOL_ID, fields: Object.fromEntries(entries) }
}

/** The native fields to write. Empty for those of another protocol. */
export function nativeFields(native: Native | undefined): Readonly<Record<string, unknown>> {
  return native?.protocol === PROTOCOL_ID ? native.fields : NO_FIELDS
}

const NO_FIELDS: Readonly<Record<string, unknown>> = {}
