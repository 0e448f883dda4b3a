import type { JsonSchema } from '../../../chat/request.js'
import { isObject } from '../../../lib/values.js'

const UNIONS = ['anyOf', 'oneOf', 'allOf'] as const

/** Writes a tool's schema as an object without alternatives at its top, as Anthropic requires. */
export function objectSchema(schema: JsonSchema | undefined): JsonSchema {
  if (!schema) return { type: 'object' }
  const unions = UNIONS.filter((union) => Array.isArray(schema[union]))
  if (unions.length > 0) return mergeUnions(schema, unions)
  if (schema.type === 'object') return schema
  return { ...schema, type: 'object' }
}

/** Merges alternatives into one object with all their properties. It requires what each of them requires. */
function mergeUnions(schema: JsonSchema, unions: readonly (typeof UNIONS)[number][]): JsonSchema {
  const rest = Object.fromEntries(Object.entries(schema).filter(([name]) => !unions.some((union) => union === name)))
  const properties = new Map(Object.entries(propertiesOf(schema)))
  const required = new Set(requiredOf(schema))
  for (const union of unions) {
    const branches = (schema[union] as unknown[]).filter(isObject).map((branch) => objectSchema(branch))
    for (const branch of branches) {
      for (const [name, value] of Object.entries(propertiesOf(branch)))
        if (!properties.has(name)) properties.set(name, value)
    }
    for (const name of requiredBy(branches, union === 'allOf')) required.add(name)
  }
  const all = Object.fromEntries(properties)
  return { ...rest, type: 'object', properties: all, ...(required.size > 0 && { required: [...required] }) }
}

function requiredBy(branches: readonly JsonSchema[], isConjunction: boolean): string[] {
  const lists = branches.map(requiredOf)
  if (isConjunction) return lists.flat()
  const [first = [], ...others] = lists.map((list) => new Set(list))
  return [...first].filter((name) => others.every((other) => other.has(name)))
}

function propertiesOf({ properties }: JsonSchema): Record<string, unknown> {
  return isObject(properties) ? properties : {}
}

function requiredOf({ required }: JsonSchema): string[] {
  return Array.isArray(required) ? required.filter((name) => typeof name === 'string') : []
}

/** Closes an answer's schema: Anthropic requires `additionalProperties: false` on every object. */
export function closedSchema(schema: JsonSchema): JsonSchema {
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closeKeyword(key, value)]))
  const isOpen = inner.type === 'object' && inner.additionalProperties === undefined
  return isOpen ? { ...inner, additionalProperties: false } : inner
}

/** Keywords whose value maps names to schemas. */
const KEYWORDS_WITH_NAMED_SCHEMAS: ReadonlySet<string> = new Set([
  'properties',
  '$defs',
  'definitions',
  'patternProperties',
])
const KEYWORDS_WITH_SCHEMAS: ReadonlySet<string> = new Set([
  'items',
  'prefixItems',
  'anyOf',
  'oneOf',
  'allOf',
  'additionalProperties',
])

function closeKeyword(key: string, value: unknown): unknown {
  if (KEYWORDS_WITH_NAMED_SCHEMAS.has(key) && isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, closeIfSchema(inner)]))
  }
  if (!KEYWORDS_WITH_SCHEMAS.has(key)) return value
  return Array.isArray(value) ? value.map(closeIfSchema) : closeIfSchema(value)
}

function closeIfSchema(value: unknown): unknown {
  return isObject(value) ? closedSchema(value) : value
}
