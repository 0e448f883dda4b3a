import type { JsonSchema } from '../../../chat/request.js'
import { isObject } from '../../../lib/values.js'

/** Numbers that protobuf's JSON writes as text. */
const COUNTS = new Set(['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties'])

/** Converts a schema of OpenAPI's kind to JSON Schema: types in lower case, null as a type. */
export function readSchema(schema: JsonSchema): JsonSchema {
  const { nullable, property_ordering, propertyOrdering, ...rest } = schema
  const read = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [camelOf(name), readKeyword(camelOf(name), value)]),
  )
  return nullable === true ? withNull(read) : read
}

function readKeyword(name: string, value: unknown): unknown {
  if (name === 'type') return typeof value === 'string' ? value.toLowerCase() : value
  if (COUNTS.has(name)) return typeof value === 'string' ? Number(value) : value
  if (name === 'items') return isObject(value) ? readSchema(value) : value
  if (name === 'anyOf')
    return Array.isArray(value) ? value.map((one) => (isObject(one) ? readSchema(one) : one)) : value
  if (name !== 'properties' || !isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, isObject(one) ? readSchema(one) : one]))
}

function withNull(schema: Record<string, unknown>): JsonSchema {
  const { type, anyOf } = schema
  if (Array.isArray(anyOf)) return { ...schema, anyOf: [...anyOf, { type: 'null' }] }
  if (typeof type !== 'string') return schema
  const values = Array.isArray(schema.enum) ? { enum: [...schema.enum, null] } : {}
  return { ...schema, type: [type, 'null'], ...values }
}

function camelOf(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
