import { headOf, type Records } from './records.js'

/** A reasoning item on its way out: summaries, and at the end the seal. */
export class ReasoningItem {
  readonly #records: Records
  readonly #index: number
  readonly #id: string
  readonly #summary: object[] = []
  #head: string | undefined
  #text = ''

  constructor(records: Records, index: number, id: string) {
    this.#records = records
    this.#index = index
    this.#id = id
    records.push('response.output_item.added', { output_index: index, item: this.#item() })
  }

  /** More of the part, which begins with its first text. */
  grow(text: string): void {
    this.#head ??= this.#open()
    this.#text += text
    this.#records.grow(this.#head, text)
  }

  stop(): void {
    if (this.#head === undefined) return
    const place = this.#place()
    const part = { type: 'summary_text', text: this.#text }
    this.#records.push('response.reasoning_summary_text.done', { ...place, text: this.#text })
    this.#records.push('response.reasoning_summary_part.done', { ...place, part })
    this.#summary.push(part)
    this.#head = undefined
    this.#text = ''
  }

  /** The item, whole. */
  close(sealed: string | undefined): object {
    this.stop()
    const item = { ...this.#item(), summary: this.#summary, ...(sealed !== undefined && { encrypted_content: sealed }) }
    this.#records.push('response.output_item.done', { output_index: this.#index, item })
    return item
  }

  #open(): string {
    const part = { type: 'summary_text', text: '' }
    this.#records.push('response.reasoning_summary_part.added', { ...this.#place(), part })
    return headOf('response.reasoning_summary_text.delta', this.#place())
  }

  #place(): object {
    return { item_id: this.#id, output_index: this.#index, summary_index: this.#summary.length }
  }

  #item(): object {
    return { id: this.#id, type: 'reasoning', summary: [] }
  }
}
