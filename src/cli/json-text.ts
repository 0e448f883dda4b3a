/** A field of a JSON object, with the position of its value in the text. */
export interface JsonMember {
  readonly name: string
  readonly start: number
  readonly end: number
}

/**
 * Returns the fields of a JSON object. Their positions allow to replace one value and leave all other text as it is.
 */
export function topLevelMembers(text: string): readonly JsonMember[] {
  const scanner = new Scanner(text)
  scanner.scanValue(0)
  return scanner.members
}

/**
 * Returns the position of the first syntax error: the length of the text if it ends too soon. Undefined for valid
 * JSON.
 */
export function findSyntaxError(text: string): number | undefined {
  const scanner = new Scanner(text)
  try {
    scanner.scanValue(0)
    scanner.scanEnd()
    return undefined
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error.position
    throw error
  }
}

class JsonSyntaxError extends Error {
  readonly position: number

  constructor(position: number) {
    super('not JSON')
    this.position = position
  }
}

const SPACE = /[ \t\n\r]*/y
// Of the control characters, it rejects only those that people type.
const STRING = /"(?:[^"\\\t\r\n]|\\(?:["\\/bfnrt]|u[\da-f]{4}))*"/iy
const SCALAR = /true\b|false\b|null\b|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y

/** Scans JSON text, and collects the members of the outermost object. */
class Scanner {
  readonly members: JsonMember[] = []
  readonly #text: string
  #position = 0

  constructor(text: string) {
    this.#text = text
  }

  scanValue(depth: number): void {
    if (this.#accept('{')) return this.#scanList('}', () => this.#scanMember(depth))
    if (this.#accept('[')) return this.#scanList(']', () => this.scanValue(depth + 1))
    this.#match(this.#text[this.#position] === '"' ? STRING : SCALAR)
  }

  scanEnd(): void {
    this.#match(SPACE)
    if (this.#position < this.#text.length) throw new JsonSyntaxError(this.#position)
  }

  #scanList(close: string, scanItem: () => void): void {
    if (this.#accept(close)) return
    do scanItem()
    while (this.#accept(','))
    if (!this.#accept(close)) throw new JsonSyntaxError(this.#position)
  }

  #scanMember(depth: number): void {
    this.#match(SPACE)
    const key = this.#match(STRING)
    if (!this.#accept(':')) throw new JsonSyntaxError(this.#position)
    this.#match(SPACE)
    const start = this.#position
    this.scanValue(depth + 1)
    if (depth === 0) this.members.push({ name: String(JSON.parse(key)), start, end: this.#position })
  }

  /** Skips white space, and then the character if it is next. Returns whether it was. */
  #accept(character: string): boolean {
    this.#match(SPACE)
    if (this.#text[this.#position] !== character) return false
    this.#position++
    return true
  }

  #match(expression: RegExp): string {
    expression.lastIndex = this.#position
    const found = expression.exec(this.#text)
    if (!found) throw new JsonSyntaxError(this.#position)
    this.#position = expression.lastIndex
    return found[0]
  }
}
