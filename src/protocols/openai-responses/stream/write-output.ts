import type { Block, Citation, MediaBlock } from '../../../chat/blocks.js'
import { type Signature, wrapSignature } from '../../../chat/signatures.js'
import { isObject } from '../../../lib/values.js'
import type { AnswerContext } from '../../protocol.js'
import { signatureForItem } from '../answer/signature-items.js'
import { nativeFields } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'
import type { RecordBuffer } from './record-buffer.js'
import { CallWriter } from './write-call.js'
import { MessageWriter } from './write-message.js'
import { ReasoningWriter } from './write-reasoning.js'

/** Writes the items of an answer, from blocks that come one after another. */
export class OutputWriter {
  /** All items that have ended. */
  readonly items: object[] = []
  hasRefusal = false
  readonly #context: AnswerContext
  readonly #records: RecordBuffer
  /** Number of items so far. */
  #itemCount = 0
  /** The open message or reasoning. It continues with the next block of its kind. */
  #item: MessageWriter | ReasoningWriter | undefined
  #call: CallWriter | undefined
  #block: Block | undefined
  #blockIndex = 0
  /** The block's first text has opened a part. */
  #hasPart = false
  /** Signature of the block. */
  #signature: Signature | undefined

  constructor(context: AnswerContext, records: RecordBuffer) {
    this.#context = context
    this.#records = records
  }

  beginBlock(block: Block, index: number): void {
    this.#block = block
    this.#blockIndex = index
    this.#hasPart = false
    this.#signature = 'signature' in block ? block.signature : undefined
    if (block.type === 'tool-call') {
      this.#closeItem()
      const itemIndex = this.#itemCount++
      const id = this.#itemId(block.freeform ? 'ctc' : 'fc', itemIndex)
      this.#call = new CallWriter(this.#records, itemIndex, id, block)
      if (block.input !== '') this.#call.delta(block.input)
    } else if (block.type === 'text' || block.type === 'refusal' || block.type === 'reasoning') {
      if (block.text !== '') this.delta(block.text)
      if (block.type === 'text') for (const citation of block.citations ?? []) this.cite(citation)
    } else this.#writeWhole(block)
  }

  delta(text: string): void {
    if (this.#call) return this.#call.delta(text)
    if (text === '') return
    if (!this.#hasPart) this.#openPart()
    this.#item?.delta(text)
  }

  cite(citation: Citation): void {
    const isWritten = this.#item instanceof MessageWriter && this.#hasPart && this.#item.cite(citation)
    if (!isWritten) this.#context.losses.noEquivalent(`content[${this.#blockIndex}].citations`)
  }

  sign(signature: Signature): void {
    this.#signature = signature
  }

  endBlock(): void {
    const block = this.#block
    this.#block = undefined
    if (this.#call) {
      this.items.push(this.#call.close())
      this.#call = undefined
    } else if (this.#hasPart) this.#item?.closePart()
    if (!block || !this.#signature || this.#signature.value === '') return
    // An open reasoning item may get only the signature of its own text.
    if (!this.#hasPart || block.type !== 'reasoning') this.#closeItem()
    if (block.type === 'reasoning') this.#writeSignature(this.#signature)
    else if (block.type === 'text' || block.type === 'tool-call')
      this.#writeSignature(signatureForItem(this.#signature, block))
  }

  end(isIncomplete: boolean): void {
    this.#closeItem(isIncomplete ? 'incomplete' : 'completed')
  }

  /** Adds a refusal with the provider's explanation. */
  addRefusal(text: string): void {
    this.beginBlock({ type: 'refusal', text }, this.#blockIndex + 1)
    this.endBlock()
  }

  #itemId(prefix: string, index: number): string {
    return `${prefix}_${this.#context.id}_${index}`
  }

  /** Opens a part for the block's text, in the open item if that has the same kind. */
  #openPart(): void {
    const block = this.#block
    this.#hasPart = true
    if (block?.type === 'reasoning') return this.#openReasoning()
    const { phase } = nativeFields(block?.native)
    const open = this.#item instanceof MessageWriter && this.#item.phase === phase ? this.#item : undefined
    const message = open ?? this.#openMessage(phase)
    const isRefusal = block?.type === 'refusal'
    if (isRefusal) this.hasRefusal = true
    message.openPart(isRefusal)
  }

  #openMessage(phase: unknown): MessageWriter {
    this.#closeItem()
    const index = this.#itemCount++
    const message = new MessageWriter(this.#records, index, this.#itemId('msg', index), phase)
    this.#item = message
    return message
  }

  #openReasoning(): void {
    if (this.#item instanceof ReasoningWriter) return
    this.#closeItem()
    const index = this.#itemCount++
    this.#item = new ReasoningWriter(this.#records, index, this.#itemId('rs', index))
  }

  /** Writes a signature, which ends its reasoning item. */
  #writeSignature(signature: Signature): void {
    this.#openReasoning()
    if (!(this.#item instanceof ReasoningWriter)) return
    this.items.push(this.#item.close(wrapSignature(signature, this.#context.issuer)))
    this.#item = undefined
  }

  #closeItem(status = 'completed'): void {
    const item = this.#item
    this.#item = undefined
    if (item instanceof MessageWriter) this.items.push(item.close(status))
    else if (item) this.items.push(item.close(undefined))
  }

  /** Writes a block without deltas, such as an image. */
  #writeWhole(block: Block): void {
    const index = this.#itemCount
    const item = this.#wholeItem(block, index)
    if (!item) return this.#context.losses.noEquivalent(`content[${this.#blockIndex}]`)
    this.#closeItem()
    this.#itemCount++
    this.#records.push('response.output_item.added', { output_index: index, item: item.added })
    this.#records.push('response.output_item.done', { output_index: index, item: item.done })
    this.items.push(item.done)
  }

  #wholeItem(block: Block, index: number): WholeItem | undefined {
    if (block.type === 'foreign' && block.protocol === PROTOCOL_ID && isObject(block.value)) {
      return { added: block.value, done: block.value }
    }
    return block.type === 'media' ? this.#image(block, index) : undefined
  }

  #image({ kind, source, mime }: MediaBlock, index: number): WholeItem | undefined {
    if (kind !== 'image' || source.type !== 'bytes') return undefined
    const common = { id: this.#itemId('ig', index), type: 'image_generation_call' }
    const format = mime?.startsWith('image/') ? { output_format: mime.slice(6) } : undefined
    return {
      added: { ...common, status: 'in_progress', result: null },
      done: { ...common, status: 'completed', result: source.data, ...format },
    }
  }
}

/** An item as its two records have it. */
interface WholeItem {
  readonly added: object
  readonly done: object
}
