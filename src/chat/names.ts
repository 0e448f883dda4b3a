import { hashText } from '../lib/hash.js'
import type { NameRule } from './traits.js'

/** Names that fit a language's rule, each for one original: the same for the same, from turn to turn. */
export class Names {
  readonly #rule: NameRule
  readonly #fitted = new Map<string, string>()
  readonly #taken = new Set<string>()

  constructor(rule: NameRule) {
    this.#rule = rule
  }

  /** `whose`: tells apart what would have the same name. */
  fit(wanted: string, whose: string = wanted): string {
    const known = this.#fitted.get(whose)
    if (known !== undefined) return known
    let fitted = fits(wanted, this.#rule) ? wanted : shorten(wanted, wanted, this.#rule)
    for (let salt = 1; this.#taken.has(fitted); salt++) fitted = shorten(wanted, `${wanted}#${salt}`, this.#rule)
    this.#fitted.set(whose, fitted)
    this.#taken.add(fitted)
    return fitted
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
