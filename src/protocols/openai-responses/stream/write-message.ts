import type { Citation } from '../../../chat/blocks.js'
import { writeCitation } from '../answer/citations.js'
import { deltaHead, type RecordBuffer } from './record-buffer.js'

/** The open part of a message. */
interface Part {
  readonly index: number
  readonly isRefusal: boolean
  /** Start of its deltas. */
  readonly head: string
  text: string
  readonly annotations: object[]
}

/** Writes a message: its texts and refusals, one after the other. */
export class MessageWriter {
  readonly phase: unknown
  readonly #records: RecordBuffer
  readonly #index: number
  readonly #id: string
  readonly #content: object[] = []
  #part: Part | undefined

  constructor(records: RecordBuffer, index: number, id: string, phase: unknown) {
    this.#records = records
    this.#index = index
    this.#id = id
    this.phase = phase
    records.push('response.output_item.added', { output_index: index, item: this.#item('in_progress', []) })
  }

  openPart(isRefusal: boolean): void {
    const index = this.#content.length
    const position = this.#position(index)
    const head = isRefusal
      ? deltaHead('response.refusal.delta', position)
      : deltaHead('response.output_text.delta', { ...position, logprobs: [] })
    this.#part = { index, isRefusal, head, text: '', annotations: [] }
    this.#records.push('response.content_part.added', { ...position, part: writePart(this.#part) })
  }

  delta(text: string): void {
    const part = this.#part
    if (!part) return
    part.text += text
    this.#records.pushDelta(part.head, text)
  }

  /** Writes a citation of the open part. Returns false for a citation without an equivalent. */
  cite(citation: Citation): boolean {
    const part = this.#part
    const annotation = part && writeCitation(citation, part.text)
    if (!annotation) return false
    const position = { ...this.#position(part.index), annotation_index: part.annotations.length }
    part.annotations.push(annotation)
    this.#records.push('response.output_text.annotation.added', { ...position, annotation })
    return true
  }

  closePart(): void {
    const part = this.#part
    if (!part) return
    this.#part = undefined
    const position = this.#position(part.index)
    if (part.isRefusal) this.#records.push('response.refusal.done', { ...position, refusal: part.text })
    else this.#records.push('response.output_text.done', { ...position, text: part.text, logprobs: [] })
    const written = writePart(part)
    this.#content.push(written)
    this.#records.push('response.content_part.done', { ...position, part: written })
  }

  /** Ends the item and returns it. */
  close(status: string): object {
    this.closePart()
    const item = this.#item(status, this.#content)
    this.#records.push('response.output_item.done', { output_index: this.#index, item })
    return item
  }

  #position(partIndex: number): object {
    return { item_id: this.#id, output_index: this.#index, content_index: partIndex }
  }

  #item(status: string, content: readonly object[]): object {
    const phase = this.phase === undefined ? undefined : { phase: this.phase }
    return { id: this.#id, type: 'message', status, content, role: 'assistant', ...phase }
  }
}

function writePart({ isRefusal, text, annotations }: Part): object {
  return isRefusal ? { type: 'refusal', refusal: text } : { type: 'output_text', annotations, logprobs: [], text }
}
