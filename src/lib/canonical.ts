/**
 * The same for every spelling of the same JSON: without white space, and with the keys of each object in one order. Texts
 * and numbers stay as they are spelled, and a key that stands twice stands twice: two requests that an upstream could
 * tell apart are never made alike. `text` is known to be JSON, nested no deeper than can be recursed into.
 */
export function canonicalJson(text: string): string {
  return new Reader(text).value()
}

const WHITESPACE = /[ \t\n\r]*/y
const SCALAR = /[^ \t\n\r,\]}]+/y

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): string {
    this.#take(WHITESPACE)
    const first = this.#text[this.#at]
    if (first === '{')
      return `{${this.#items('}', () => this.#member())
        .sort(byKey)
        .map(formatMember)
        .join(',')}}`
    if (first === '[') return `[${this.#items(']', () => this.value()).join(',')}]`
    return first === '"' ? this.#string() : this.#take(SCALAR)
  }

  #items<Item>(close: string, read: () => Item): Item[] {
    const items: Item[] = []
    this.#at++
    for (;;) {
      this.#take(WHITESPACE)
      const next = this.#text[this.#at]
      if (next === close || next === undefined) break
      if (next === ',') this.#at++
      items.push(read())
    }
    this.#at++
    return items
  }

  #member(): [string, string] {
    this.#take(WHITESPACE)
    const key = this.#string()
    this.#take(WHITESPACE)
    this.#at++
    return [key, this.value()]
  }

  /** By looking for its end: an expression would need a stack as deep as the string is long, and files are long. */
  #string(): string {
    const start = this.#at
    let end = this.#text.indexOf('"', start + 1)
    while (end >= 0 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1)
    this.#at = end < 0 ? this.#text.length : end + 1
    return this.#text.slice(start, this.#at)
  }

  /** Whether an odd number of backslashes stands before a place. */
  #isEscaped(place: number): boolean {
    let first = place
    while (this.#text[first - 1] === '\\') first--
    return (place - first) % 2 === 1
  }

  #take(what: RegExp): string {
    what.lastIndex = this.#at
    const found = what.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }
}

function byKey([one]: [string, string], [other]: [string, string]): number {
  return one < other ? -1 : Number(one > other)
}

function formatMember([key, value]: [string, string]): string {
  return `${key}:${value}`
}
