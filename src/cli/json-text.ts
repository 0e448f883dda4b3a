/** One field of the object that a JSON text is, and where its value stands in the text. */
export interface Member {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** The fields at the top of a JSON object, so that one can be written anew and the rest stay as it is. */
export function membersOf(text: string): readonly Member[] {
  const scanner = new Scanner(text)
  scanner.value(0)
  return scanner.members
}

/** Where a text stops being JSON: its length when it ends too soon. Undefined if it is JSON. */
export function faultIn(text: string): number | undefined {
  const scanner = new Scanner(text)
  try {
    scanner.value(0)
    scanner.end()
    return undefined
  } catch (error) {
    if (error instanceof Broken) return error.at
    throw error
  }
}

class Broken extends Error {
  readonly at: number

  constructor(at: number) {
    super('not JSON')
    this.at = at
  }
}

const SPACE = /[ \t\n\r]*/y
// Of the control characters only those that people type are looked for.
const TEXT = /"(?:[^"\\\t\r\n]|\\(?:["\\/bfnrt]|u[\da-f]{4}))*"/iy
const SCALAR = /true\b|false\b|null\b|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y

class Scanner {
  readonly members: Member[] = []
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number): void {
    if (this.#takes('{')) return this.#list('}', () => this.#member(depth))
    if (this.#takes('[')) return this.#list(']', () => this.value(depth + 1))
    this.#take(this.#text[this.#at] === '"' ? TEXT : SCALAR)
  }

  end(): void {
    this.#take(SPACE)
    if (this.#at < this.#text.length) throw new Broken(this.#at)
  }

  #list(close: string, item: () => void): void {
    if (this.#takes(close)) return
    do item()
    while (this.#takes(','))
    if (!this.#takes(close)) throw new Broken(this.#at)
  }

  #member(depth: number): void {
    this.#take(SPACE)
    const key = this.#take(TEXT)
    if (!this.#takes(':')) throw new Broken(this.#at)
    this.#take(SPACE)
    const start = this.#at
    this.value(depth + 1)
    if (depth === 0) this.members.push({ name: String(JSON.parse(key)), start, end: this.#at })
  }

  /** Passes over space, and over the character if it comes next. */
  #takes(character: string): boolean {
    this.#take(SPACE)
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #take(expression: RegExp): string {
    expression.lastIndex = this.#at
    const found = expression.exec(this.#text)
    if (!found) throw new Broken(this.#at)
    this.#at = expression.lastIndex
    return found[0]
  }
}
