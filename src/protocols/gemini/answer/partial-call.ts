import { isObject } from '../../../lib/values.js'

/** A piece has its value under the field of its type. */
const VALUE_FIELDS = ['stringValue', 'numberValue', 'boolValue', 'nullValue'] as const

/** Collects arguments that Vertex streams in pieces. Each piece has a path, as `$.a.b[0]`; texts of one path are joined. */
export class PartialCall {
  readonly #args: Record<string, unknown> = Object.create(null)

  /** Adds the arguments of a `functionCall`, in pieces or whole. */
  append({ args, partialArgs }: Readonly<Record<string, unknown>>): void {
    if (isObject(args)) for (const [name, value] of Object.entries(args)) this.#args[name] = value
    if (!Array.isArray(partialArgs)) return
    for (const piece of partialArgs) {
      if (isObject(piece) && typeof piece.jsonPath === 'string') this.#setAt(piece.jsonPath, piece)
    }
  }

  get json(): string {
    return JSON.stringify(this.#args)
  }

  #setAt(path: string, piece: Readonly<Record<string, unknown>>): void {
    const kind = VALUE_FIELDS.find((name) => name in piece)
    const steps = path.match(/[^.[\]$'"]+/g)
    const last = steps?.pop()
    if (!kind || !steps || last === undefined) return
    if (steps.length > MAX_DEPTH) return
    let parent: Record<string, unknown> = this.#args
    for (const [index, step] of steps.entries()) {
      if (!isValidKey(parent, step)) return
      parent = childOf(parent, step, steps[index + 1] ?? last)
    }
    if (!isValidKey(parent, last)) return
    const before = ownValue(parent, last)
    const value = kind === 'nullValue' ? null : piece[kind]
    parent[last] = typeof before === 'string' && typeof value === 'string' ? before + value : value
  }
}

/** An index in a list. At most four digits, so that an upstream cannot make lists of any length. */
const INDEX = /^\d{1,4}$/
/** Levels of nesting. No tool takes input this deep. */
const MAX_DEPTH = 128

/** Lists accept only indices as keys. An upstream must not set their length. */
function isValidKey(parent: object, key: string): boolean {
  return !Array.isArray(parent) || INDEX.test(key)
}

/** Returns the object or list under a key, and creates it if it is missing. */
function childOf(parent: Record<string, unknown>, step: string, next: string): Record<string, unknown> {
  const known = ownValue(parent, step)
  if (typeof known === 'object' && known !== null) return known as Record<string, unknown>
  const child = (INDEX.test(next) ? [] : Object.create(null)) as Record<string, unknown>
  parent[step] = child
  return child
}

function ownValue(parent: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(parent, key) ? parent[key] : undefined
}
