import type { Native } from './blocks.js'

/** Something that the other language cannot say. */
export interface Loss {
  /** Where it stood in the caller's request: `messages[2].content[1]`, `frequency_penalty`. */
  readonly path: string
  /** As `anthropic-messages has no such field`. */
  readonly reason: string
}

/** Collects what a translation had to leave out. */
export class Losses {
  readonly list: Loss[] = []
  readonly #paths = new Set<string>()
  readonly #language: string

  constructor(language: string) {
    this.#language = language
  }

  add(path: string, reason: string): void {
    if (this.#paths.has(path)) return
    this.#paths.add(path)
    this.list.push({ path, reason })
  }

  /** A field or block that the language has no word for. */
  unsayable(path: string): void {
    this.add(path, `cannot be said in ${this.#language}`)
  }

  /** Fields that only another language knows. */
  foreign(native: Native | undefined, at?: string): void {
    if (native === undefined || native.protocol === this.#language) return
    for (const name of Object.keys(native.fields)) this.unsayable(at ? `${at}.${name}` : name)
  }
}
