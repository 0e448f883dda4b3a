import { isObject } from '../../../lib/values.js'

/** Values of one piece, by their types. */
const VALUES = ['stringValue', 'numberValue', 'boolValue', 'nullValue'] as const

/** Arguments that come piece by piece (Vertex): each names its place as `$.a.b[0]`, and text goes on where it ended. */
export class PartialCall {
  readonly #args: Record<string, unknown> = Object.create(null)

  /** Takes what a `functionCall` brings: pieces, or all at once. */
  take({ args, partialArgs }: Readonly<Record<string, unknown>>): void {
    if (isObject(args)) for (const [name, value] of Object.entries(args)) this.#args[name] = value
    if (!Array.isArray(partialArgs)) return
    for (const piece of partialArgs) {
      if (isObject(piece) && typeof piece.jsonPath === 'string') this.#put(piece.jsonPath, piece)
    }
  }

  get text(): string {
    return JSON.stringify(this.#args)
  }

  #put(path: string, piece: Readonly<Record<string, unknown>>): void {
    const kind = VALUES.find((name) => name in piece)
    const steps = path.match(/[^.[\]$'"]+/g)
    const last = steps?.pop()
    if (!kind || !steps || last === undefined) return
    if (steps.length > DEEPEST) return
    let at: Record<string, unknown> = this.#args
    for (const [index, step] of steps.entries()) {
      if (!fits(at, step)) return
      at = stepInto(at, step, steps[index + 1] ?? last)
    }
    if (!fits(at, last)) return
    const before = own(at, last)
    const value = kind === 'nullValue' ? null : piece[kind]
    at[last] = typeof before === 'string' && typeof value === 'string' ? before + value : value
  }
}

/** A place in a list, of a length that may be made up. */
const INDEX = /^\d{1,4}$/
/** Deeper than any tool's input. */
const DEEPEST = 128

/** Lists have places only: their length is not an upstream's to set. */
function fits(at: object, key: string): boolean {
  return !Array.isArray(at) || INDEX.test(key)
}

/** What is under a key, made if it is not there. */
function stepInto(at: Record<string, unknown>, step: string, next: string): Record<string, unknown> {
  const known = own(at, step)
  if (typeof known === 'object' && known !== null) return known as Record<string, unknown>
  const made = (INDEX.test(next) ? [] : Object.create(null)) as Record<string, unknown>
  at[step] = made
  return made
}

function own(at: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(at, key) ? at[key] : undefined
}
