import { hashText } from '../lib/hash-text.js'
import type { NameRule } from './traits.js'

/** Fits names to a protocol's rule. Different originals get different names, and the same original always gets the same. */
export class Names {
  readonly #rule: NameRule
  readonly #fitted = new Map<string, string>()
  readonly #used = new Set<string>()

  constructor(rule: NameRule) {
    this.#rule = rule
  }

  /** The name to send. `key`: identifies the original, where several have the same name. */
  fit(original: string, key: string = original): string {
    const known = this.#fitted.get(key)
    if (known !== undefined) return known
    let fitted = fits(original, this.#rule) ? original : shorten(original, original, this.#rule)
    for (let salt = 1; this.#used.has(fitted); salt++) fitted = shorten(original, `${original}#${salt}`, this.#rule)
    this.#fitted.set(key, fitted)
    this.#used.add(fitted)
    return fitted
  }
}

function fits(name: string, { pattern, maxLength, exact }: NameRule): boolean {
  return (exact ? name.length === maxLength : name.length <= maxLength) && pattern.test(name)
}

const HASH_LENGTH = 8

/** The beginning of the name, and a hash of the whole, so that two long names stay different. */
function shorten(name: string, whole: string, { maxLength, exact }: NameRule): string {
  if (exact) return hashText(whole, maxLength)
  const plain = name.replace(/[^A-Za-z0-9_-]/g, '_').replace(/^[^A-Za-z_]/, '_')
  return `${plain.slice(0, maxLength - HASH_LENGTH - 1)}_${hashText(whole, HASH_LENGTH)}`
}
