import type { Block, Native } from '../../../chat/blocks.js'
import type { Emit } from '../../../chat/events.js'
import { isObject, textOf } from '../../../lib/values.js'
import { readCitation } from '../answer/citations.js'
import {
  callInput,
  isCall,
  isGrowing,
  listOf,
  type MakeId,
  messageNative,
  openCall,
  partText,
  readWholeItem,
  signatureOf,
} from '../answer/items.js'

type Fields = Readonly<Record<string, unknown>>

/** Numbers the blocks of a stream. */
export interface Opener {
  /** Emits the beginning of the next block; gives its index. */
  open(block: Block, emit: Emit): number
  readonly makeId: MakeId
}

/** What a part begins: of a message one or the other, of any other item what the item is. */
export type Opens = 'text' | 'refusal' | 'reasoning' | 'tool-call'

/** A part of an item that grows: a text, a refusal, a summary, a call's input. */
interface Part {
  text: string
  /** Of its block; -1 until there is one. */
  index: number
  cited: number
  isOpen: boolean
}

/** One item of a streamed answer, from its first event to its last. Parts may be missing anywhere. */
export class StreamItem {
  readonly kind: string
  id: string | undefined
  isDone = false
  readonly #opener: Opener
  /** By a place that is the upstream's to choose: no list, which would be as long as it says. */
  readonly #parts = new Map<number, Part>()
  #native: Native | undefined
  /** Of a call, once its name is known. */
  #call: Block | undefined

  constructor(opener: Opener, kind: string) {
    this.#opener = opener
    this.kind = kind
  }

  /** What is known at its beginning. */
  added(item: Fields, emit: Emit): void {
    this.#learn(item)
    if (this.#call) this.#begin(this.#part(0), 'tool-call', emit)
  }

  /** More of a part. */
  grow(at: number, text: string, opens: Opens, emit: Emit): void {
    const part = this.#part(at)
    part.text += text
    if (part.isOpen) emit({ type: 'delta', index: part.index, text })
    else if (text !== '') this.#begin(part, opens, emit)
  }

  /** All of a part: what has not come yet is added. */
  fill(at: number, text: string, opens: Opens, emit: Emit): void {
    const come = this.#parts.get(at)?.text.length ?? 0
    if (text.length > come) this.grow(at, text.slice(come), opens, emit)
  }

  cite(at: number, annotation: unknown, emit: Emit): void {
    const part = this.#parts.get(at)
    if (!part?.isOpen) return
    part.cited++
    const citation = readCitation(annotation, part.text)
    if (citation) emit({ type: 'mark', index: part.index, citation })
  }

  /** The last of a part. Of reasoning a part stays open: its seal is to come. */
  partDone(at: number, whole: Fields, emit: Emit): void {
    if (this.kind !== 'message') return
    this.fill(at, partText(whole), whole.type === 'refusal' ? 'refusal' : 'text', emit)
    const part = this.#parts.get(at)
    if (!part) return
    for (const annotation of listOf(whole.annotations).slice(part.cited)) this.cite(at, annotation, emit)
    this.#stop(part, emit)
  }

  /** The item as a whole. */
  done(item: Fields, emit: Emit): void {
    if (this.isDone) return
    this.isDone = true
    if (isGrowing(this.kind)) this.#complete(item, emit)
    else emit({ type: 'stop', index: this.#opener.open(readWholeItem(item), emit) })
  }

  close(emit: Emit): void {
    for (const part of this.#parts.values()) this.#stop(part, emit)
  }

  #learn(item: Fields): void {
    this.id ??= textOf(item.id) ?? undefined
    this.#native ??= messageNative(item)
    if (isCall(this.kind) && textOf(item.name))
      this.#call ??= openCall({ ...item, type: this.kind }, this.#opener.makeId)
  }

  #complete(item: Fields, emit: Emit): void {
    this.#learn(item)
    if (isCall(this.kind)) {
      this.#call ??= openCall({ ...item, type: this.kind }, this.#opener.makeId)
      this.#begin(this.#part(0), 'tool-call', emit)
      this.fill(0, callInput({ ...item, type: this.kind }), 'tool-call', emit)
    }
    for (const [at, part] of listOf(item.summary).entries())
      this.fill(summarySlot(at), partText(part), 'reasoning', emit)
    for (const [at, part] of listOf(item.content).entries()) {
      if (isObject(part) && this.kind === 'message') this.partDone(at, part, emit)
      else this.fill(rawSlot(at), partText(part), 'reasoning', emit)
    }
    if (this.kind === 'reasoning') this.#seal(item, emit)
    this.close(emit)
  }

  #seal(item: Fields, emit: Emit): void {
    const signature = signatureOf(item)
    if (!signature) return
    const index = this.#last() ?? this.#opener.open({ type: 'reasoning', text: '' }, emit)
    const open = this.#last() === index
    emit({ type: 'mark', index, signature })
    if (!open) emit({ type: 'stop', index })
  }

  #last(): number | undefined {
    let last: number | undefined
    for (const { isOpen, index } of this.#parts.values()) if (isOpen && index > (last ?? -1)) last = index
    return last
  }

  #part(at: number): Part {
    const known = this.#parts.get(at)
    if (known) return known
    const part = { text: '', index: -1, cited: 0, isOpen: false }
    this.#parts.set(at, part)
    return part
  }

  #begin(part: Part, opens: Opens, emit: Emit): void {
    const block = this.#opening(opens)
    if (!block || part.index >= 0) return
    // The seal of reasoning belongs to its last part: those before it are over.
    if (this.kind === 'reasoning') this.close(emit)
    part.index = this.#opener.open(block, emit)
    part.isOpen = true
    if (part.text !== '') emit({ type: 'delta', index: part.index, text: part.text })
  }

  #opening(opens: Opens): Block | undefined {
    if (isCall(this.kind)) return this.#call
    if (this.kind === 'reasoning') return { type: 'reasoning', text: '' }
    return { type: opens === 'refusal' ? 'refusal' : 'text', text: '', ...(this.#native && { native: this.#native }) }
  }

  #stop(part: Part, emit: Emit): void {
    if (!part.isOpen) return
    part.isOpen = false
    emit({ type: 'stop', index: part.index })
  }
}

/** Summaries and raw thoughts are counted each for themselves, and kept in one list. */
export function summarySlot(index: number): number {
  return 2 * index
}

/** As {@link summarySlot}, for raw thoughts. */
export function rawSlot(index: number): number {
  return 2 * index + 1
}
