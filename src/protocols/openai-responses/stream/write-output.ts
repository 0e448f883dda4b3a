import type { Block, Citation, MediaBlock } from '../../../chat/blocks.js'
import { type Signature, wrapSignature } from '../../../chat/signatures.js'
import { isObject } from '../../../lib/values.js'
import type { AnswerContext } from '../../protocol.js'
import { borne } from '../answer/signature-items.js'
import { ID, ownFields } from '../native.js'
import type { Records } from './records.js'
import { CallItem } from './write-call.js'
import { Message } from './write-message.js'
import { ReasoningItem } from './write-reasoning.js'

/** The items of an answer, written one at a time. Blocks come one at a time, too. */
export class Output {
  readonly items: object[] = []
  refusals = false
  readonly #answering: AnswerContext
  readonly #records: Records
  /** How many items have been begun. */
  #begun = 0
  /** May go on with the next block of its kind. */
  #item: Message | ReasoningItem | undefined
  #call: CallItem | undefined
  #block: Block | undefined
  #signature: Signature | undefined
  /** Of the block, once something has come of it. */
  #grown = false
  #at = 0

  constructor(answering: AnswerContext, records: Records) {
    this.#answering = answering
    this.#records = records
  }

  open(block: Block, at: number): void {
    this.#block = block
    this.#at = at
    this.#grown = false
    this.#signature = 'signature' in block ? block.signature : undefined
    if (block.type === 'tool-call') {
      this.#close()
      const index = this.#begun++
      this.#call = new CallItem(this.#records, index, this.#id(block.freeform ? 'ctc' : 'fc', index), block)
      if (block.input !== '') this.#call.grow(block.input)
    } else if (block.type === 'text' || block.type === 'refusal' || block.type === 'reasoning') {
      if (block.text !== '') this.grow(block.text)
      if (block.type === 'text') for (const citation of block.citations ?? []) this.cite(citation)
    } else this.#whole(block)
  }

  grow(text: string): void {
    if (this.#call) return this.#call.grow(text)
    if (text === '') return
    if (!this.#grown) this.#begin()
    this.#item?.grow(text)
  }

  cite(citation: Citation): void {
    const said = this.#item instanceof Message && this.#grown && this.#item.cite(citation)
    if (!said) this.#answering.losses.noEquivalent(`content[${this.#at}].citations`)
  }

  sign(signature: Signature): void {
    this.#signature = signature
  }

  stop(): void {
    const block = this.#block
    this.#block = undefined
    if (this.#call) {
      this.items.push(this.#call.close())
      this.#call = undefined
    } else if (this.#grown) this.#item?.stop()
    if (!block || !this.#signature || this.#signature.value === '') return
    // The seal of hidden reasoning, or of another block, is not that of the reasoning before it.
    if (!this.#grown || block.type !== 'reasoning') this.#close()
    if (block.type === 'reasoning') this.#seal(this.#signature)
    else if (block.type === 'text' || block.type === 'tool-call') this.#seal(borne(this.#signature, block))
  }

  /** Closes what is open. */
  end(isCut: boolean): void {
    this.#close(isCut ? 'incomplete' : 'completed')
  }

  /** Says why the answer was refused, where the model itself did not. */
  explain(text: string): void {
    this.open({ type: 'refusal', text }, this.#at + 1)
    this.stop()
  }

  #id(prefix: string, index: number): string {
    return `${prefix}_${this.#answering.id}_${index}`
  }

  /** The item that the block's first text goes into. */
  #begin(): void {
    const block = this.#block
    this.#grown = true
    if (block?.type === 'reasoning') return this.#reason()
    const phase = ownFields(block?.native).phase
    const open = this.#item instanceof Message && this.#item.phase === phase ? this.#item : this.#message(phase)
    const refuses = block?.type === 'refusal'
    if (refuses) this.refusals = true
    open.open(refuses)
  }

  #message(phase: unknown): Message {
    this.#close()
    const index = this.#begun++
    const message = new Message(this.#records, index, this.#id('msg', index), phase)
    this.#item = message
    return message
  }

  #reason(): void {
    if (this.#item instanceof ReasoningItem) return
    this.#close()
    const index = this.#begun++
    this.#item = new ReasoningItem(this.#records, index, this.#id('rs', index))
  }

  /** The seal ends its item: what is thought after it is another. */
  #seal(signature: Signature): void {
    this.#reason()
    if (!(this.#item instanceof ReasoningItem)) return
    this.items.push(this.#item.close(wrapSignature(signature, this.#answering.issuer)))
    this.#item = undefined
  }

  #close(status = 'completed'): void {
    const item = this.#item
    this.#item = undefined
    if (item instanceof Message) this.items.push(item.close(status))
    else if (item) this.items.push(item.close(undefined))
  }

  #whole(block: Block): void {
    const index = this.#begun
    const item = this.#itemOf(block, index)
    if (!item) return this.#answering.losses.noEquivalent(`content[${this.#at}]`)
    this.#close()
    this.#begun++
    this.#records.push('response.output_item.added', { output_index: index, item: item.begun })
    this.#records.push('response.output_item.done', { output_index: index, item: item.done })
    this.items.push(item.done)
  }

  #itemOf(block: Block, index: number): { begun: object; done: object } | undefined {
    if (block.type === 'foreign' && block.protocol === ID && isObject(block.value)) {
      return { begun: block.value, done: block.value }
    }
    return block.type === 'media' ? this.#image(block, index) : undefined
  }

  #image({ kind, source, mime }: MediaBlock, index: number): { begun: object; done: object } | undefined {
    if (kind !== 'image' || source.type !== 'bytes') return undefined
    const around = { id: this.#id('ig', index), type: 'image_generation_call' }
    const format = mime?.startsWith('image/') ? { output_format: mime.slice(6) } : undefined
    return {
      begun: { ...around, status: 'in_progress', result: null },
      done: { ...around, status: 'completed', result: source.data, ...format },
    }
  }
}
