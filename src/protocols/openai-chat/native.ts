import type { CacheMark, Native } from '../../chat/blocks.js'
import { isObject } from '../../lib/values.js'
import type { Field } from '../field.js'
import { PROTOCOL_ID } from './traits.js'

/** Reads the native fields of an object: all that are not known and not null. Undefined without any. */
export function readNative(field: Field, known: ReadonlySet<string>): Native | undefined {
  const object = field.object()
  let fields: Record<string, unknown> | undefined
  for (const name of Object.keys(object)) {
    const value = object[name]
    if (known.has(name) || value === null || value === undefined) continue
    // An assignment would not create a field that a client names __proto__.
    fields ??= {}
    Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return fields && { protocol: PROTOCOL_ID, fields }
}

/** The native fields to write. Empty for those of another protocol. */
export function writeNative(native: Native | undefined): object {
  return native?.protocol === PROTOCOL_ID ? native.fields : NO_FIELDS
}

const NO_FIELDS: object = {}

/** Reads a cache mark: Anthropic's `cache_control`, which many upstreams accept here too, or OpenAI's own field. */
export function readCacheMark(field: Field): CacheMark | undefined {
  const { value } = field.get('cache_control').given ? field.get('cache_control') : field.get('prompt_cache_breakpoint')
  if (!isObject(value)) return undefined
  return { ttl: typeof value.ttl === 'string' ? value.ttl : undefined }
}
