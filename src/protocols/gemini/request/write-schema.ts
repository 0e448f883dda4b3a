import type { JsonSchema } from '../../../chat/request.js'
import { isObject } from '../../../lib/values.js'
import { inlineReferences } from './inline-references.js'

/** Keywords of JSON Schema that Gemini's full kind of schema supports. Gemini refuses all others. */
const FULL = new Set(
  `$id $defs $ref $anchor type format title description enum items prefixItems minItems maxItems minimum maximum anyOf
   oneOf properties additionalProperties required propertyOrdering`.split(/\s+/),
)

/** Keywords of OpenAPI that the older kind of schema supports. */
const SUBSET = new Set(
  `type format title description nullable enum items properties required anyOf minItems maxItems minLength maxLength
   minProperties maxProperties minimum maximum pattern default example propertyOrdering`.split(/\s+/),
)

/** Adapts a schema to one kind that Gemini supports. Drops other keywords, but no properties. */
export function writeSchema(schema: JsonSchema, kind: 'full' | 'subset'): Record<string, unknown> {
  return kind === 'full' ? writeFull(schema) : writeSubset(inlineReferences(schema))
}

/** Whether a schema accepts only an object, and declares neither properties nor alternatives. */
export function isBare({ type, properties, additionalProperties, ...rest }: JsonSchema): boolean {
  const open = ['$ref', 'anyOf', 'oneOf', 'allOf', 'patternProperties'].some((name) => name in rest)
  const some = isObject(properties) && Object.keys(properties).length > 0
  return (type === undefined || type === 'object') && !some && !open && (additionalProperties ?? false) === false
}

function writeFull(schema: JsonSchema): Record<string, unknown> {
  const plain = withAlternatives(withConstant(definitionsOf(schema)))
  // Gemini allows only keywords in `$` next to a reference.
  const names =
    typeof plain.$ref === 'string' ? Object.keys(plain).filter((name) => name[0] === '$') : Object.keys(plain)
  const kept = names
    .filter((name) => FULL.has(name))
    .map((name) => [name, inner(name, plain[name], writeFull)] as const)
  return prune(withBounds(Object.fromEntries(kept), plain))
}

function writeSubset(schema: JsonSchema): Record<string, unknown> {
  const plain = withNull(withAlternatives(withConstant(schema)))
  const kept = Object.keys(plain)
    .filter((name) => SUBSET.has(name))
    .map((name) => [name, inner(name, plain[name], writeSubset)] as const)
  const written = prune(withBounds(Object.fromEntries(kept), plain))
  if (Array.isArray(written.enum)) return withValues(written, written.enum)
  if (isObject(written.properties) && Object.keys(written.properties).length === 0) delete written.properties
  if (written.type === undefined && written.anyOf === undefined) written.type = typeOf(written)
  if (written.type === 'array' && written.items === undefined) written.items = { type: 'string' }
  return written
}

/** Writes an enum. Its values must be texts, and not empty. */
function withValues(
  { enum: _, ...written }: Record<string, unknown>,
  values: readonly unknown[],
): Record<string, unknown> {
  const texts = values.filter((value) => value !== null && value !== '').map(String)
  const nullable = values.includes(null) ? { nullable: true } : {}
  return { ...written, type: 'string', ...(texts.length > 0 ? { enum: texts } : {}), ...nullable }
}

type Write = (schema: JsonSchema) => Record<string, unknown>

function inner(name: string, value: unknown, write: Write): unknown {
  if (name === 'properties' || name === '$defs') return isObject(value) ? mapValues(value, write) : undefined
  if (name === 'anyOf' || name === 'oneOf' || name === 'prefixItems') {
    return Array.isArray(value) ? value.map((one) => whole(one, write)) : undefined
  }
  if (name === 'items' || name === 'additionalProperties')
    return typeof value === 'boolean' ? value : whole(value, write)
  return value
}

/** Writes a schema. Any value but an object, such as `true`, becomes the empty schema. */
function whole(value: unknown, write: Write): Record<string, unknown> {
  return write(isObject(value) ? value : {})
}

function mapValues(value: Record<string, unknown>, write: Write): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, whole(one, write)]))
}

function definitionsOf(schema: JsonSchema): JsonSchema {
  if (!isObject(schema.definitions) || schema.$defs !== undefined) return repointed(schema)
  const { definitions, ...rest } = schema
  return repointed({ ...rest, $defs: definitions })
}

function repointed(schema: JsonSchema): JsonSchema {
  const { $ref } = schema
  if (typeof $ref !== 'string' || !$ref.startsWith('#/definitions/')) return schema
  return { ...schema, $ref: $ref.replace('#/definitions/', '#/$defs/') }
}

function withConstant(schema: JsonSchema): JsonSchema {
  if (!('const' in schema)) return schema
  const { const: constant, ...rest } = schema
  return constant === null ? { ...rest, type: 'null' } : { type: typeName(constant), ...rest, enum: [constant] }
}

/** Replaces `oneOf` by `anyOf`, and merges the schemas of `allOf` into one. */
function withAlternatives(schema: JsonSchema): JsonSchema {
  const { oneOf, allOf, ...rest } = schema
  const merged = Array.isArray(allOf) ? merge([rest, ...allOf.filter(isObject)]) : rest
  return Array.isArray(oneOf) && merged.anyOf === undefined ? { ...merged, anyOf: oneOf } : merged
}

function merge(schemas: readonly JsonSchema[]): JsonSchema {
  const keywords = new Map<string, unknown>()
  const properties = new Map<string, unknown>()
  const required = new Set<unknown>()
  for (const schema of schemas) {
    for (const [name, value] of Object.entries(schema)) if (!keywords.has(name)) keywords.set(name, value)
    for (const [name, value] of Object.entries(objectOf(schema.properties))) properties.set(name, value)
    for (const name of listOf(schema.required)) required.add(name)
  }
  if (properties.size > 0) keywords.set('properties', Object.fromEntries(properties))
  if (required.size > 0) keywords.set('required', [...required])
  return Object.fromEntries(keywords)
}

/** Replaces a null type or null alternative by `nullable`. Several types become alternatives. */
function withNull(schema: JsonSchema): JsonSchema {
  const { type, anyOf, ...rest } = schema
  if (Array.isArray(anyOf)) {
    const others = anyOf.filter((one) => !isObject(one) || one.type !== 'null')
    if (others.length === anyOf.length) return schema
    const [only] = others
    if (others.length === 1 && isObject(only)) return withNull({ ...only, ...rest, nullable: true })
    return { ...(type === undefined ? {} : { type }), ...rest, anyOf: others, nullable: true }
  }
  if (!Array.isArray(type)) return schema
  const types = type.filter((one) => one !== 'null')
  const nullable = types.length < type.length ? { nullable: true } : {}
  if (types.length < 2) return { ...rest, type: types[0] ?? 'null', ...nullable }
  return { ...rest, anyOf: types.map((one) => ({ type: one })), ...nullable }
}

/** Replaces exclusive bounds of integers by inclusive ones. Other numbers have no nearest inclusive bound. */
function withBounds(written: Record<string, unknown>, schema: JsonSchema): Record<string, unknown> {
  const { exclusiveMinimum: low, exclusiveMaximum: high, type } = schema
  if (type !== 'integer') return written
  if (typeof low === 'number' && written.minimum === undefined) written.minimum = Math.floor(low) + 1
  if (typeof high === 'number' && written.maximum === undefined) written.maximum = Math.ceil(high) - 1
  return written
}

/** Removes undefined keywords, and required names without a property. */
function prune(written: Record<string, unknown>): Record<string, unknown> {
  for (const name of Object.keys(written)) if (written[name] === undefined) delete written[name]
  if (written.required === undefined) return written
  const names = objectOf(written.properties)
  const required = listOf(written.required).filter((name) => typeof name === 'string' && Object.hasOwn(names, name))
  if (required.length > 0) written.required = required
  else delete written.required
  return written
}

function typeOf(schema: JsonSchema): string {
  if (schema.properties !== undefined) return 'object'
  if (schema.items !== undefined) return 'array'
  return schema.minimum !== undefined || schema.maximum !== undefined ? 'number' : 'string'
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value
}

function objectOf(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
