import { deltaHead, type RecordBuffer } from './record-buffer.js'

/** Writes a reasoning item: its summaries, then its signature. */
export class ReasoningWriter {
  readonly #records: RecordBuffer
  readonly #index: number
  readonly #id: string
  readonly #summary: object[] = []
  /** Start of the open part's deltas; undefined without an open part. */
  #head: string | undefined
  #text = ''

  constructor(records: RecordBuffer, index: number, id: string) {
    this.#records = records
    this.#index = index
    this.#id = id
    records.push('response.output_item.added', { output_index: index, item: this.#item() })
  }

  /** Writes text of the open part. Opens a part if none is open. */
  delta(text: string): void {
    this.#head ??= this.#openPart()
    this.#text += text
    this.#records.pushDelta(this.#head, text)
  }

  closePart(): void {
    if (this.#head === undefined) return
    const position = this.#position()
    const part = { type: 'summary_text', text: this.#text }
    this.#records.push('response.reasoning_summary_text.done', { ...position, text: this.#text })
    this.#records.push('response.reasoning_summary_part.done', { ...position, part })
    this.#summary.push(part)
    this.#head = undefined
    this.#text = ''
  }

  /** Ends the item and returns it. `signature`: wrapped; undefined without one. */
  close(signature: string | undefined): object {
    this.closePart()
    const encrypted = signature !== undefined && { encrypted_content: signature }
    const item = { ...this.#item(), summary: this.#summary, ...encrypted }
    this.#records.push('response.output_item.done', { output_index: this.#index, item })
    return item
  }

  #openPart(): string {
    const part = { type: 'summary_text', text: '' }
    this.#records.push('response.reasoning_summary_part.added', { ...this.#position(), part })
    return deltaHead('response.reasoning_summary_text.delta', this.#position())
  }

  #position(): object {
    return { item_id: this.#id, output_index: this.#index, summary_index: this.#summary.length }
  }

  #item(): object {
    return { id: this.#id, type: 'reasoning', summary: [] }
  }
}
