import { RelayError } from '../errors.js'
import type { Block, Citation, Native, TextBlock } from './blocks.js'
import type { ChatRequest, Setting, SettingNames, Turn } from './request.js'

/** Something of a request or answer that the other protocol cannot express. */
export interface Loss {
  /** Path in the caller's request: `messages[2].content[1]`, `frequency_penalty`. */
  readonly path: string
  /** `has no equivalent in gemini`, or another reason that follows the path. */
  readonly reason: string
}

/** Collects what a translation has to leave out. Keeps one loss per path. */
export class Losses {
  readonly list: Loss[] = []
  readonly #paths = new Set<string>()
  /** Id of the protocol that cannot express it. */
  readonly protocol: string
  readonly #settingNames: SettingNames

  /** `settingNames`: those of the caller's protocol. */
  constructor(protocol: string, settingNames: SettingNames = {}) {
    this.protocol = protocol
    this.#settingNames = settingNames
  }

  add(path: string, reason: string): void {
    if (this.#paths.has(path)) return
    this.#paths.add(path)
    this.list.push({ path, reason })
  }

  /** Adds a field or block that the protocol does not have. */
  noEquivalent(path: string): void {
    this.add(path, `has no equivalent in ${this.protocol}`)
  }

  /** Adds a setting, by the caller's name for it. Default reason: it has no equivalent. */
  setting(name: Setting, reason?: string): void {
    const path = this.#nameOf(name)
    if (reason === undefined) this.noEquivalent(path)
    else this.add(path, reason)
  }

  /** The error for a setting that the protocol does not have, and that must not be dropped. */
  refusal(name: Setting, what: string): RelayError {
    const param = this.#nameOf(name)
    return new RelayError('invalid_request', `${param}: ${what}`, { param })
  }

  #nameOf(name: Setting): string {
    return this.#settingNames[name] ?? name
  }

  /** Adds the native fields of another protocol. `store: false` is none: a protocol without it stores nothing. */
  foreign(native: Native | undefined, at?: string): void {
    if (native === undefined || native.protocol === this.protocol) return
    for (const [name, value] of Object.entries(native.fields)) {
      if (name !== 'store' || value !== false) this.noEquivalent(at ? `${at}.${name}` : name)
    }
  }
}

/** Records a loss for every native field of another protocol. */
export function recordForeignFields({ native, turns, tools }: ChatRequest, losses: Losses): void {
  losses.foreign(native)
  for (const tool of tools) if ('native' in tool) losses.foreign(tool.native, tool.at)
  for (const turn of turns) {
    losses.foreign(turn.native, turn.at)
    recordBlocks(turn.blocks, losses)
  }
}

/** Skips reasoning: that of past turns is carried or dropped as a whole, and is never a loss. */
function recordBlocks(blocks: readonly Block[], losses: Losses): void {
  for (const block of blocks) {
    if (block.type === 'reasoning') continue
    losses.foreign(block.native, block.at)
    if (block.type === 'tool-result') recordBlocks(block.blocks, losses)
  }
}

/** Records a loss for texts whose citations the protocol cannot express. The texts themselves are sent. */
export function recordCitations(
  turns: readonly Turn[],
  isSupported: (citation: Citation, role: Turn['role']) => boolean,
  losses: Losses,
): void {
  for (const { role, blocks, at = 'messages' } of turns) {
    for (const block of blocks) {
      for (const { citations, at: path = at } of textsIn(block)) {
        if (citations && !citations.every((citation) => isSupported(citation, role)))
          losses.add(path, `has citations without an equivalent in ${losses.protocol}`)
      }
    }
  }
}

/** The texts of a block: itself, or those of a tool's result. */
function textsIn(block: Block): readonly TextBlock[] {
  if (block.type === 'text') return block.citations ? [block] : NO_TEXTS
  return block.type === 'tool-result' ? block.blocks.filter((inner) => inner.type === 'text') : NO_TEXTS
}

const NO_TEXTS: readonly TextBlock[] = []

/** @throws {RelayError} for losses in strict translation */
export function rejectLosses({ list }: Losses, strict: boolean): void {
  const [first] = list
  if (!strict || !first) return
  const text = list.map(({ path, reason }) => `${path}: ${reason}`).join('; ')
  throw new RelayError('untranslatable', `The protocol of this model cannot express the whole request. ${text}`, {
    param: first.path,
  })
}
