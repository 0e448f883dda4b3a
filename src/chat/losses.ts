import { RelayError } from '../errors.js'
import type { Block, Citation, Native } from './blocks.js'
import type { ChatRequest, Turn } from './request.js'
import type { Setting, SettingNames } from './settings.js'

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
  /** The one that cannot say it. */
  readonly language: string
  readonly #spelling: SettingNames

  /** `spelling` is that of the language in which it was said. */
  constructor(language: string, spelling: SettingNames = {}) {
    this.language = language
    this.#spelling = spelling
  }

  add(path: string, reason: string): void {
    if (this.#paths.has(path)) return
    this.#paths.add(path)
    this.list.push({ path, reason })
  }

  /** A field or block that the language has no word for. */
  unsayable(path: string): void {
    this.add(path, `cannot be said in ${this.language}`)
  }

  /** The same for a setting, by the name that its caller has for it. */
  setting(name: Setting, reason?: string): void {
    const path = this.#nameOf(name)
    if (reason === undefined) this.unsayable(path)
    else this.add(path, reason)
  }

  /** That a setting can neither be said nor left out, by the same name. */
  refusal(name: Setting, what: string): RelayError {
    const param = this.#nameOf(name)
    return new RelayError('invalid_request', `${param}: ${what}`, { param })
  }

  #nameOf(name: Setting): string {
    return this.#spelling[name] ?? name
  }

  /** Fields that only another language knows. */
  foreign(native: Native | undefined, at?: string): void {
    if (native === undefined || native.protocol === this.language) return
    for (const name of Object.keys(native.fields)) this.unsayable(at ? `${at}.${name}` : name)
  }
}

/** Tells of all fields, wherever they stand, that only another language than the target's knows. */
export function declareForeign({ native, turns, tools }: ChatRequest, losses: Losses): void {
  losses.foreign(native)
  for (const tool of tools) if ('native' in tool) losses.foreign(tool.native, tool.at)
  for (const turn of turns) {
    losses.foreign(turn.native, turn.at)
    declareBlocks(turn.blocks, losses)
  }
}

/** Thoughts of past turns are carried or dropped as a whole, and no loss to anyone. */
function declareBlocks(blocks: readonly Block[], losses: Losses): void {
  for (const block of blocks) {
    if (block.type === 'reasoning') continue
    losses.foreign(block.native, block.at)
    if (block.type === 'tool-result') declareBlocks(block.blocks, losses)
  }
}

/** Tells of texts that name sources which the language cannot say of them; the texts themselves are sent. */
export function declareCitations(
  turns: readonly Turn[],
  isSayable: (citation: Citation, role: Turn['role']) => boolean,
  losses: Losses,
): void {
  for (const { role, blocks, at = 'messages' } of turns) {
    for (const block of blocks.flatMap(withInner)) {
      const citations = block.type === 'text' ? (block.citations ?? []) : []
      const isWhole = citations.every((citation) => isSayable(citation, role))
      if (!isWhole) losses.add(block.at ?? at, `names sources that cannot be said in ${losses.language}`)
    }
  }
}

function withInner(block: Block): readonly Block[] {
  return block.type === 'tool-result' ? block.blocks : [block]
}
