import type { Block, Native } from '../../../chat/blocks.js'
import type { Emit } from '../../../chat/events.js'
import { isObject, textOf } from '../../../lib/values.js'
import { readCitation } from '../answer/citations.js'
import {
  hasDeltas,
  isToolCall,
  listOf,
  partText,
  readCallInput,
  readCallStart,
  readItemSignature,
  readMessageNative,
  readWholeItem,
} from '../answer/items.js'

type Fields = Readonly<Record<string, unknown>>

/** What the items of a stream share. */
export interface BlockEmitter {
  /** Emits the start of the next block, and returns its index. */
  openBlock(block: Block, emit: Emit): number
  /** Creates an id for a tool call without one. */
  createCallId(): string
}

/** Kinds of parts. A message may have parts of the first two, any other item only one kind. */
export type PartKind = 'text' | 'refusal' | 'reasoning' | 'tool-call'

/** A part of an item that comes in deltas: a text, a refusal, a summary, or a call's input. */
interface Part {
  /** All text so far. */
  text: string
  /** Index of its block; -1 before the block is opened. */
  blockIndex: number
  citationCount: number
  isOpen: boolean
}

/** Reads one item of a streamed answer. Any of its events may be missing. */
export class ItemReader {
  readonly type: string
  id: string | undefined
  isDone = false
  readonly #blocks: BlockEmitter
  /** By key. Not a list, because an upstream could make it very long by one large index. */
  readonly #parts = new Map<number, Part>()
  #native: Native | undefined
  /** The start of a tool call, once its name is known. */
  #call: Block | undefined

  constructor(blocks: BlockEmitter, type: string) {
    this.#blocks = blocks
    this.type = type
  }

  /** Reads the item as it is at its start. */
  begin(item: Fields, emit: Emit): void {
    this.#readFields(item)
    if (this.#call) this.#openPart(this.#part(0), 'tool-call', emit)
  }

  /** Adds text to a part. Its first text opens a block. */
  addDelta(key: number, text: string, kind: PartKind, emit: Emit): void {
    const part = this.#part(key)
    part.text += text
    if (part.isOpen) emit({ type: 'delta', index: part.blockIndex, text })
    else if (text !== '') this.#openPart(part, kind, emit)
  }

  /** Completes a part by its whole text: adds what no delta has brought. */
  completeText(key: number, text: string, kind: PartKind, emit: Emit): void {
    const length = this.#parts.get(key)?.text.length ?? 0
    if (text.length > length) this.addDelta(key, text.slice(length), kind, emit)
  }

  addCitation(key: number, annotation: unknown, emit: Emit): void {
    const part = this.#parts.get(key)
    if (!part?.isOpen) return
    part.citationCount++
    const citation = readCitation(annotation, part.text)
    if (citation) emit({ type: 'mark', index: part.blockIndex, citation })
  }

  /** Completes and closes a part of a message. Parts of reasoning stay open, because the signature follows. */
  completePart(key: number, whole: Fields, emit: Emit): void {
    if (this.type !== 'message') return
    this.completeText(key, partText(whole), whole.type === 'refusal' ? 'refusal' : 'text', emit)
    const part = this.#parts.get(key)
    if (!part) return
    for (const annotation of listOf(whole.annotations).slice(part.citationCount)) {
      this.addCitation(key, annotation, emit)
    }
    this.#closePart(part, emit)
  }

  /** Completes the item. Ignores any further call. */
  complete(item: Fields, emit: Emit): void {
    if (this.isDone) return
    this.isDone = true
    if (hasDeltas(this.type)) this.#completeParts(item, emit)
    else emit({ type: 'stop', index: this.#blocks.openBlock(readWholeItem(item), emit) })
  }

  close(emit: Emit): void {
    for (const part of this.#parts.values()) this.#closePart(part, emit)
  }

  #readFields(item: Fields): void {
    this.id ??= textOf(item.id) ?? undefined
    this.#native ??= readMessageNative(item)
    if (isToolCall(this.type) && textOf(item.name)) this.#call ??= this.#readCall(item)
  }

  #readCall(item: Fields): Block {
    return readCallStart({ ...item, type: this.type }, () => this.#blocks.createCallId())
  }

  #completeParts(item: Fields, emit: Emit): void {
    this.#readFields(item)
    if (isToolCall(this.type)) {
      this.#call ??= this.#readCall(item)
      this.#openPart(this.#part(0), 'tool-call', emit)
      this.completeText(0, readCallInput({ ...item, type: this.type }), 'tool-call', emit)
    }
    for (const [index, part] of listOf(item.summary).entries())
      this.completeText(summaryKey(index), partText(part), 'reasoning', emit)
    for (const [index, part] of listOf(item.content).entries()) {
      if (isObject(part) && this.type === 'message') this.completePart(index, part, emit)
      else this.completeText(reasoningTextKey(index), partText(part), 'reasoning', emit)
    }
    if (this.type === 'reasoning') this.#addSignature(item, emit)
    this.close(emit)
  }

  /** Adds the signature to the last open block, or to an empty one. */
  #addSignature(item: Fields, emit: Emit): void {
    const signature = readItemSignature(item)
    if (!signature) return
    const lastOpen = this.#lastOpenBlock()
    const index = lastOpen ?? this.#blocks.openBlock({ type: 'reasoning', text: '' }, emit)
    emit({ type: 'mark', index, signature })
    if (lastOpen === undefined) emit({ type: 'stop', index })
  }

  #lastOpenBlock(): number | undefined {
    let last: number | undefined
    for (const { isOpen, blockIndex } of this.#parts.values()) {
      if (isOpen && blockIndex > (last ?? -1)) last = blockIndex
    }
    return last
  }

  #part(key: number): Part {
    const existing = this.#parts.get(key)
    if (existing) return existing
    const part = { text: '', blockIndex: -1, citationCount: 0, isOpen: false }
    this.#parts.set(key, part)
    return part
  }

  /** Opens the block of a part, unless it was opened before or the call's name is missing. */
  #openPart(part: Part, kind: PartKind, emit: Emit): void {
    const block = this.#newBlock(kind)
    if (!block || part.blockIndex >= 0) return
    // Only the last part of reasoning gets the signature, so the parts before it end now.
    if (this.type === 'reasoning') this.close(emit)
    part.blockIndex = this.#blocks.openBlock(block, emit)
    part.isOpen = true
    if (part.text !== '') emit({ type: 'delta', index: part.blockIndex, text: part.text })
  }

  #newBlock(kind: PartKind): Block | undefined {
    if (isToolCall(this.type)) return this.#call
    if (this.type === 'reasoning') return { type: 'reasoning', text: '' }
    return { type: kind === 'refusal' ? 'refusal' : 'text', text: '', ...(this.#native && { native: this.#native }) }
  }

  #closePart(part: Part, emit: Emit): void {
    if (!part.isOpen) return
    part.isOpen = false
    emit({ type: 'stop', index: part.blockIndex })
  }
}

/** The key of a summary. Summaries and reasoning texts have indexes of their own, but share one map of parts. */
export function summaryKey(index: number): number {
  return 2 * index
}

/** The key of a reasoning text. */
export function reasoningTextKey(index: number): number {
  return 2 * index + 1
}
