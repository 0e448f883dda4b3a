import { isObject } from '../lib/values.js'

/** Deeper than this a schema that contains itself is left. */
const DEEPEST = 6

/** A value that fits a JSON schema, as far as its plain words go. Text is the hint. */
export function sample(schema: unknown, hint: string, depth = 0): unknown {
  if (!isObject(schema) || depth > DEEPEST) return hint
  if (schema.const !== undefined) return schema.const
  if (schema.default !== undefined) return schema.default
  if (Array.isArray(schema.enum)) return schema.enum[0]
  const variants = schema.anyOf ?? schema.oneOf
  if (Array.isArray(variants)) return sample(variants[0], hint, depth + 1)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (type === 'object' || isObject(schema.properties)) return sampleObject(schema, hint, depth)
  if (type === 'array') return [sample(schema.items, hint, depth + 1)]
  if (type === 'number' || type === 'integer') return typeof schema.minimum === 'number' ? schema.minimum : 1
  if (type === 'boolean') return true
  return type === 'null' ? null : hint
}

/** Required fields only, where a schema says which. */
function sampleObject({ properties, required }: Record<string, unknown>, hint: string, depth: number): object {
  const all = Object.entries(isObject(properties) ? properties : {})
  const wanted = Array.isArray(required) ? all.filter(([name]) => required.includes(name)) : all
  return Object.fromEntries(wanted.map(([name, inner]) => [name, sample(inner, hint, depth + 1)]))
}
