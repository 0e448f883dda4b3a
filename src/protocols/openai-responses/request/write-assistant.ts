import type { Block, MediaBlock, ReasoningBlock, RefusalBlock, TextBlock, ToolCallBlock } from '../../../chat/blocks.js'
import type { Turn } from '../../../chat/request.js'
import { mayReceive } from '../../../chat/signatures.js'
import type { WriteOptions } from '../../protocol.js'
import { nativeFields } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'
import { writeOutputPart } from './write-parts.js'

/** Writes a turn of the assistant as items. `index`: of the turn, for ids. */
export function writeAssistant(turn: Turn, index: number, options: WriteOptions): object[] {
  const writer = new AssistantWriter(turn, index, options)
  for (const block of turn.blocks) writer.add(block)
  return writer.items
}

class AssistantWriter {
  readonly items: object[] = []
  readonly #turn: Turn
  readonly #index: number
  readonly #options: WriteOptions
  /** Reasoning since the last signature. It is sent only with a signature. */
  #unsigned: ReasoningBlock[] = []
  /** Reasoning items that wait for the item after them: OpenAI refuses them without it. */
  #pendingReasoning: object[] = []
  /** The content of the last item, if it is a message. */
  #content: object[] | undefined
  #phase: unknown

  constructor(turn: Turn, index: number, options: WriteOptions) {
    this.#turn = turn
    this.#index = index
    this.#options = options
  }

  add(block: Block): void {
    if (block.type === 'reasoning') return this.#addReasoning(block)
    this.#unsigned = []
    if (block.type === 'text' || block.type === 'refusal') return this.#addText(block)
    const item = this.#itemOf(block)
    if (item) this.#push(item)
    else this.#options.losses.noEquivalent(block.at ?? this.#turn.at ?? 'messages')
  }

  #push(item: object): void {
    for (const reasoning of this.#pendingReasoning) this.items.push(reasoning)
    this.items.push(item)
    this.#pendingReasoning = []
    this.#content = undefined
  }

  #addText(block: TextBlock | RefusalBlock): void {
    if (block.text === '') return
    const { phase } = nativeFields(block.native)
    const part = writeOutputPart(block)
    if (this.#content && this.#pendingReasoning.length === 0 && phase === this.#phase) {
      this.#content.push(part)
      return
    }
    const content = [part]
    this.#push({ type: 'message', role: 'assistant', content, ...(phase !== undefined && { phase }) })
    this.#content = content
    this.#phase = phase
  }

  /** Writes reasoning when its signature comes, unless the target may not receive the signature. */
  #addReasoning(block: ReasoningBlock): void {
    this.#unsigned.push(block)
    const { signature } = block
    if (!signature) return
    const blocks = this.#unsigned
    this.#unsigned = []
    if (!mayReceive(signature, PROTOCOL_ID, this.#options.issuer)) return
    this.#pendingReasoning.push({
      type: 'reasoning',
      ...(signature.id !== undefined && { id: signature.id }),
      summary: blocks.flatMap(({ text }) => (text === '' ? [] : [{ type: 'summary_text', text }])),
      encrypted_content: signature.value,
    })
  }

  #itemOf(block: Block): object | undefined {
    if (block.type === 'tool-call') return writeCall(block)
    if (block.type === 'foreign') return block.protocol === PROTOCOL_ID ? (block.value as object) : undefined
    return block.type === 'media' ? this.#writeImage(block) : undefined
  }

  /** Writes a generated image. The item must have an id. */
  #writeImage({ kind, source, native }: MediaBlock): object | undefined {
    if (kind !== 'image' || source.type !== 'bytes') return undefined
    const id = `ig_${this.#index}_${this.items.length}`
    return { type: 'image_generation_call', id, status: 'completed', result: source.data, ...nativeFields(native) }
  }
}

function writeCall({ id, name, namespace, input, freeform, native }: ToolCallBlock): object {
  const common = { call_id: id, name, ...(namespace !== undefined && { namespace }) }
  if (freeform) return { type: 'custom_tool_call', ...common, input, ...nativeFields(native) }
  return { type: 'function_call', ...common, arguments: input === '' ? '{}' : input, ...nativeFields(native) }
}
