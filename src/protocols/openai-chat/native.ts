import type { CacheMark, Native } from '../../chat/blocks.js'
import { isObject } from '../../lib/values.js'
import type { Field } from '../field.js'
import { LANGUAGE } from './language.js'

/** The fields of an object that stand for themselves: all that is given and not among those known. */
export function readNative(field: Field, known: ReadonlySet<string>): Native | undefined {
  const object = field.object()
  let fields: Record<string, unknown> | undefined
  for (const name of Object.keys(object)) {
    const value = object[name]
    if (known.has(name) || value === null || value === undefined) continue
    // Defined, not assigned: a caller may name a field __proto__.
    fields ??= {}
    Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return fields && { protocol: LANGUAGE, fields }
}

/** Those fields as they go back. */
export function writeNative(native: Native | undefined): object {
  return native?.protocol === LANGUAGE ? native.fields : NONE
}

const NONE: object = {}

/** Anthropic's mark, which many take in this language too, or OpenAI's own. */
export function readCache(field: Field): CacheMark | undefined {
  const { value } = field.get('cache_control').given ? field.get('cache_control') : field.get('prompt_cache_breakpoint')
  if (!isObject(value)) return undefined
  return { ttl: typeof value.ttl === 'string' ? value.ttl : undefined }
}
