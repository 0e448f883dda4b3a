import type { Native } from '../../chat/blocks.js'
import { isObject } from '../../lib/values.js'
import type { Field } from '../field.js'
import { PROTOCOL_ID } from './traits.js'

/** Returns a field by either name that Google accepts: `functionCall` or `function_call`. */
export function getField(field: Field, name: string): Field {
  const snake = snakeOf(name)
  return field.get(!field.has(name) && field.has(snake) ? snake : name)
}

/** Whether a field is given, in camel case or snake case. */
export function hasField(field: Field, name: string): boolean {
  return field.has(name) || field.has(snakeOf(name))
}

/** The fields of an object that are not in `known`, named in camel case. Undefined where all are known. */
export function restOf(field: Field, known: ReadonlySet<string>, prefix = ''): Record<string, unknown> | undefined {
  const { value } = field
  if (!isObject(value)) return undefined
  const rest: [string, unknown][] = []
  for (const name of Object.keys(value)) {
    if (known.has(name) || !field.has(name)) continue
    const camel = camelOf(name)
    if (!known.has(camel)) rest.push([prefix + camel, value[name]])
  }
  return rest.length > 0 ? Object.fromEntries(rest) : undefined
}

/** Joins fields into the native fields of this protocol. Undefined without any. */
export function nativeFields(
  ...fields: readonly (Readonly<Record<string, unknown>> | undefined)[]
): Native | undefined {
  if (fields.every((given) => given === undefined)) return undefined
  const all = Object.fromEntries(fields.flatMap((given) => Object.entries(given ?? {})))
  return Object.keys(all).length > 0 ? { protocol: PROTOCOL_ID, fields: all } : undefined
}

/** The native fields that this protocol has read, of an object or of its member under `prefix`. */
export function nativeFieldsOf(value: Native | undefined, prefix = ''): Record<string, unknown> {
  if (value?.protocol !== PROTOCOL_ID) return {}
  const found = Object.entries(value.fields)
    .filter(([name]) => name.startsWith(prefix) && !name.includes('.', prefix.length))
    .map(([name, one]) => [name.slice(prefix.length), one] as const)
  return Object.fromEntries(found)
}

function camelOf(name: string): string {
  return name.replace(/([a-z0-9])_([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase())
}

/** Caches snake-case names, because every part looks up the same few. */
const SNAKE_NAMES = new Map<string, string>()

function snakeOf(name: string): string {
  const known = SNAKE_NAMES.get(name)
  if (known !== undefined) return known
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  SNAKE_NAMES.set(name, snake)
  return snake
}
