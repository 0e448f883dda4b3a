import type { JsonSchema } from '../../../chat/request.js'
import { isObject } from '../../../lib/values.js'

/** Limits the schemas in a result, because nested references multiply. */
const MAX_SCHEMAS = 5000
/** Limits the levels of a result, because its writer recurses. */
const MAX_DEPTH = 64

/** Keywords whose objects have property names as keys. */
const NAME_MAPS = new Set(['properties', 'patternProperties'])

/** Replaces each `$ref` of a schema by its target. A circular, unknown or too large one becomes any object. */
export function inlineReferences(schema: JsonSchema): JsonSchema {
  return new Inliner(schema).schema(schema, [])
}

class Inliner {
  readonly #root: JsonSchema
  #size = 0
  #depth = 0

  constructor(root: JsonSchema) {
    this.#root = root
  }

  schema(schema: JsonSchema, within: readonly string[]): JsonSchema {
    this.#depth++
    const inlined = this.#inline(schema, within)
    this.#depth--
    return inlined
  }

  #inline(schema: JsonSchema, within: readonly string[]): JsonSchema {
    this.#size++
    const { $ref, $defs, definitions, ...rest } = schema
    if (typeof $ref !== 'string') return mapped(rest, (name, value) => this.#value(name, value, within))
    const target = this.#target($ref)
    const isTooMuch = this.#size > MAX_SCHEMAS || this.#depth > MAX_DEPTH
    if (!target || isTooMuch || within.includes($ref)) return { type: 'object', ...described(rest) }
    return { ...this.schema(target, [...within, $ref]), ...described(rest) }
  }

  #value(name: string, value: unknown, within: readonly string[]): unknown {
    if (Array.isArray(value)) return name === 'enum' ? value : value.map((one) => this.#value('', one, within))
    if (!isObject(value) || name === 'default' || name === 'example' || name === 'const') return value
    if (NAME_MAPS.has(name)) return mapped(value, (_, one) => (isObject(one) ? this.schema(one, within) : one))
    return this.schema(value, within)
  }

  #target($ref: string): JsonSchema | undefined {
    if (!$ref.startsWith('#')) return undefined
    const steps = $ref.slice(1).split('/').filter(Boolean)
    let at: unknown = this.#root
    for (const step of steps) {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
      if (!(isObject(at) || Array.isArray(at)) || !Object.hasOwn(at, key)) return undefined
      at = (at as Record<string, unknown>)[key]
    }
    return isObject(at) ? at : undefined
  }
}

function mapped(
  value: Readonly<Record<string, unknown>>,
  write: (name: string, one: unknown) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, write(name, one)]))
}

function described({ description }: JsonSchema): JsonSchema {
  return description === undefined ? {} : { description }
}
