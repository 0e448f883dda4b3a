import type { Block, Native, ToolCallBlock } from '../../../chat/blocks.js'
import type { Tool, Turn } from '../../../chat/request.js'
import { restoreSignatures } from '../answer/signature-items.js'

/** The turns of an input, and the tools that its items add. */
export interface Input {
  readonly turns: readonly Turn[]
  readonly tools: readonly Tool[]
}

/** A turn that may receive further blocks of the same kind. */
interface OpenTurn {
  readonly role: Turn['role']
  readonly blocks: Block[]
  readonly at: string
  readonly native?: Native | undefined
  readonly kind: 'message' | 'assistant' | 'results'
}

/** Builds turns from items. Joins consecutive items of the assistant, and consecutive tool results, into one turn. */
export class ConversationBuilder {
  readonly #turns: OpenTurn[] = []
  readonly #tools: Tool[] = []
  /** Ids of tool calls, by the tool's name. */
  readonly #callIds = new Map<string, string[]>()
  /** Ids of calls that have a result. */
  readonly #answeredIds = new Set<string>()

  get input(): Input {
    const turns = this.#turns.map(({ role, blocks, at, native }) => ({
      role,
      blocks: role === 'assistant' ? restoreSignatures(blocks) : blocks,
      at,
      native,
    }))
    return { turns, tools: this.#tools }
  }

  addMessage(role: 'user' | 'system', blocks: Block[], at: string, native: Native | undefined): void {
    this.#turns.push({ role, blocks, at, native, kind: 'message' })
  }

  addAssistant(blocks: readonly Block[], at: string): void {
    for (const block of blocks) if (block.type === 'tool-call') this.#addCallId(block)
    this.#add('assistant', 'assistant', blocks, at)
  }

  addResult(block: Block, at: string): void {
    if (block.type === 'tool-result') this.#answeredIds.add(block.callId)
    this.#add('user', 'results', [block], at)
  }

  addTools(tools: readonly Tool[]): void {
    for (const tool of tools) this.#tools.push(tool)
  }

  /** Finds the id of a tool's latest call that has no result yet. */
  findUnansweredCall(name: string | undefined): string | undefined {
    const ids = this.#callIds.get(name ?? '') ?? []
    while (this.#answeredIds.has(ids.at(-1) ?? '')) ids.pop()
    return ids.at(-1)
  }

  #addCallId({ name, id }: ToolCallBlock): void {
    const ids = this.#callIds.get(name)
    if (ids) ids.push(id)
    else this.#callIds.set(name, [id])
  }

  #add(role: Turn['role'], kind: OpenTurn['kind'], blocks: readonly Block[], at: string): void {
    const last = this.#turns.at(-1)
    if (last?.kind !== kind) this.#turns.push({ role, blocks: [...blocks], at, kind })
    else for (const block of blocks) last.blocks.push(block)
  }
}
