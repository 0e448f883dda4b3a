/**
 * Returns the JSON without white space, and with each object's keys sorted. Keeps strings, numbers and duplicate keys as
 * they are, so that requests which an upstream could tell apart stay different. `text` must be valid JSON, and not too
 * deep for recursion.
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

  /** Searches for the closing quote. A regular expression could exceed the stack on a file's data. */
  #string(): string {
    const start = this.#at
    let end = this.#text.indexOf('"', start + 1)
    while (end >= 0 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1)
    this.#at = end < 0 ? this.#text.length : end + 1
    return this.#text.slice(start, this.#at)
  }

  /** Whether an odd number of backslashes precedes an offset. */
  #isEscaped(offset: number): boolean {
    let first = offset
    while (this.#text[first - 1] === '\\') first--
    return (offset - first) % 2 === 1
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? ''
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
