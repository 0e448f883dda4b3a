import { hashText } from '../lib/hash.js'
import type { NameRule } from './traits.js'

/** Names that fit a language's rule, each for one original: the same for the same, from turn to turn. */
export class Names {
  readonly #rule: NameRule
  readonly #fitted = new Map<string, string>()
  readonly #originals = new Map<string, string>()

  constructor(rule: NameRule) {
    this.#rule = rule
  }

  fit(original: string): string {
    const known = this.#fitted.get(original)
    if (known !== undefined) return known
    let fitted = fits(original, this.#rule) ? original : shorten(original, original, this.#rule)
    for (let salt = 1; this.#originals.has(fitted); salt++)
      fitted = shorten(original, `${original}#${salt}`, this.#rule)
    this.#fitted.set(original, fitted)
    this.#originals.set(fitted, original)
    return fitted
  }

  /** What a name was before it was fitted. */
  original(fitted: string): string {
    return this.#originals.get(fitted) ?? fitted
  }
}

function fits(name: string, { pattern, longest, exact }: NameRule): boolean {
  return (exact ? name.length === longest : name.length <= longest) && pattern.test(name)
}

const HASH_LENGTH = 8

/** As much of the name as there is room for, and a hash of the whole: two long names stay two. */
function shorten(name: string, whole: string, { longest, exact }: NameRule): string {
  if (exact) return hashText(whole, longest)
  const plain = name.replace(/[^A-Za-z0-9_-]/g, '_').replace(/^[^A-Za-z_]/, '_')
  return `${plain.slice(0, longest - HASH_LENGTH - 1)}_${hashText(whole, HASH_LENGTH)}`
}
