import type { Block, MediaBlock, ReasoningBlock, ToolCallBlock } from '../../../chat/blocks.js'
import type { Turn } from '../../../chat/request.js'
import { mayReceive } from '../../../chat/signatures.js'
import type { WriteOptions } from '../../protocol.js'
import { ID, ownFields } from '../native.js'
import { writeOutputPart } from './write-parts.js'

/** The items of what the assistant said and did in one turn, which is the `index`th. */
export function writeAssistant(turn: Turn, index: number, writing: WriteOptions): object[] {
  const said = new Said(turn, index, writing)
  for (const block of turn.blocks) said.add(block)
  return said.items
}

class Said {
  readonly items: object[] = []
  readonly #turn: Turn
  readonly #index: number
  readonly #writing: WriteOptions
  /** Reasoning whose signature has not come. */
  #thoughts: ReasoningBlock[] = []
  /** Reasoning that waits for what it led to: without that it is refused. */
  #reasoning: object[] = []
  #content: object[] | undefined
  #phase: unknown

  constructor(turn: Turn, index: number, writing: WriteOptions) {
    this.#turn = turn
    this.#index = index
    this.#writing = writing
  }

  add(block: Block): void {
    if (block.type === 'reasoning') return this.#think(block)
    this.#thoughts = []
    if (block.type === 'text' || block.type === 'refusal') return this.#say(block)
    const item = this.#itemOf(block)
    if (item) this.#push(item)
    else this.#writing.losses.noEquivalent(this.#at(block))
  }

  #at(block: Block): string {
    return block.at ?? this.#turn.at ?? 'messages'
  }

  #push(item: object): void {
    for (const reasoning of this.#reasoning) this.items.push(reasoning)
    this.items.push(item)
    this.#reasoning = []
    this.#content = undefined
  }

  #say(block: Extract<Block, { type: 'text' | 'refusal' }>): void {
    if (block.text === '') return
    const { phase } = ownFields(block.native)
    const part = writeOutputPart(block)
    if (this.#content && this.#reasoning.length === 0 && phase === this.#phase) {
      this.#content.push(part)
      return
    }
    const content = [part]
    this.#push({ type: 'message', role: 'assistant', content, ...(phase !== undefined && { phase }) })
    this.#content = content
    this.#phase = phase
  }

  #think(block: ReasoningBlock): void {
    this.#thoughts.push(block)
    const { signature } = block
    if (!signature) return
    const thoughts = this.#thoughts
    this.#thoughts = []
    if (!mayReceive(signature, ID, this.#writing.issuer)) return
    this.#reasoning.push({
      type: 'reasoning',
      ...(signature.id !== undefined && { id: signature.id }),
      summary: thoughts.flatMap(({ text }) => (text === '' ? [] : [{ type: 'summary_text', text }])),
      encrypted_content: signature.value,
    })
  }

  #itemOf(block: Block): object | undefined {
    if (block.type === 'tool-call') return this.#call(block)
    if (block.type === 'foreign') return block.protocol === ID ? (block.value as object) : undefined
    return block.type === 'media' ? this.#image(block) : undefined
  }

  #call(block: ToolCallBlock): object {
    const { id, name, namespace, input, freeform } = block
    const common = { call_id: id, name, ...(namespace !== undefined && { namespace }) }
    const own = ownFields(block.native)
    if (freeform) return { type: 'custom_tool_call', ...common, input, ...own }
    return { type: 'function_call', ...common, arguments: input === '' ? '{}' : input, ...own }
  }

  /** An image that the model drew is known by an id. */
  #image({ kind, source, native }: MediaBlock): object | undefined {
    if (kind !== 'image' || source.type !== 'bytes') return undefined
    const id = `ig_${this.#index}_${this.items.length}`
    return { type: 'image_generation_call', id, status: 'completed', result: source.data, ...ownFields(native) }
  }
}
