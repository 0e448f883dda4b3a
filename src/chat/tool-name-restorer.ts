import type { ChatAnswer } from './answer.js'
import type { Block, ToolCallBlock } from './blocks.js'
import type { ChatEvent, Emit } from './events.js'
import { InputUnwrapper, unwrapInput } from './freeform.js'

/** What a tool was called before its name was fitted to a language. */
export interface OriginalTool {
  readonly name: string
  readonly namespace: string | undefined
  /** It takes plain text, and was shown as a function. */
  readonly freeform: boolean
}

/** The way back: calls of tools in an answer get the names and the input that the caller knows. */
export class ToolNameRestorer {
  readonly #restored: ReadonlyMap<string, OriginalTool>

  constructor(restored: ReadonlyMap<string, OriginalTool>) {
    this.#restored = restored
  }

  answer(answer: ChatAnswer): ChatAnswer {
    if (this.#restored.size === 0) return answer
    const choices = answer.choices.map((choice) => ({
      ...choice,
      blocks: choice.blocks.map((block) => this.#block(block)),
    }))
    return { ...answer, choices }
  }

  /** The same for a stream. */
  events(emit: Emit): Emit {
    if (this.#restored.size === 0) return emit
    const unwrappers = new Map<number, InputUnwrapper>()
    return (event) => this.#event(event, unwrappers, emit)
  }

  #event(event: ChatEvent, unwrappers: Map<number, InputUnwrapper>, emit: Emit): void {
    if (event.type === 'block') {
      const { block, index } = event
      const known = block.type === 'tool-call' ? this.#restored.get(block.name) : undefined
      if (!known) return emit(event)
      if (known.freeform) unwrappers.set(index, new InputUnwrapper())
      return emit({ ...event, block: renamed(block as ToolCallBlock, known) })
    }
    const unwrapper = event.type === 'delta' || event.type === 'stop' ? unwrappers.get(event.index) : undefined
    if (!unwrapper) return emit(event)
    const text = event.type === 'delta' ? unwrapper.push(event.text) : unwrapper.end()
    if (text) emit({ type: 'delta', index: (event as { index: number }).index, text })
    if (event.type === 'stop') emit(event)
  }

  #block(block: Block): Block {
    const known = block.type === 'tool-call' ? this.#restored.get(block.name) : undefined
    if (!known || block.type !== 'tool-call') return block
    const call = renamed(block, known)
    return known.freeform ? { ...call, input: unwrapInput(block.input) } : call
  }
}

function renamed(block: ToolCallBlock, { name, namespace, freeform }: OriginalTool): ToolCallBlock {
  return { ...block, name, namespace, freeform: freeform || block.freeform }
}
