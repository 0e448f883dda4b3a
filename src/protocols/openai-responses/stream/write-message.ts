import type { Citation } from '../../../chat/blocks.js'
import { writeCitation } from '../answer/citations.js'
import { headOf, type Records } from './records.js'

/** A part that is being written. */
interface Part {
  readonly at: number
  readonly refuses: boolean
  readonly head: string
  text: string
  readonly annotations: object[]
}

/** A message on its way out: its texts and refusals, one after the other. */
export class Message {
  readonly phase: unknown
  readonly #records: Records
  readonly #index: number
  readonly #id: string
  readonly #content: object[] = []
  #part: Part | undefined

  constructor(records: Records, index: number, id: string, phase: unknown) {
    this.#records = records
    this.#index = index
    this.#id = id
    this.phase = phase
    records.push('response.output_item.added', { output_index: index, item: this.#item('in_progress', []) })
  }

  /** Begins a part. */
  open(refuses: boolean): void {
    const at = this.#content.length
    const place = this.#place(at)
    const head = refuses
      ? headOf('response.refusal.delta', place)
      : headOf('response.output_text.delta', { ...place, logprobs: [] })
    this.#part = { at, refuses, head, text: '', annotations: [] }
    this.#records.push('response.content_part.added', { ...place, part: spellPart(this.#part) })
  }

  grow(text: string): void {
    const part = this.#part
    if (!part) return
    part.text += text
    this.#records.grow(part.head, text)
  }

  /** False for a source that cannot be said. */
  cite(citation: Citation): boolean {
    const part = this.#part
    const annotation = part && writeCitation(citation, part.text)
    if (!annotation) return false
    const place = { ...this.#place(part.at), annotation_index: part.annotations.length }
    part.annotations.push(annotation)
    this.#records.push('response.output_text.annotation.added', { ...place, annotation })
    return true
  }

  stop(): void {
    const part = this.#part
    if (!part) return
    this.#part = undefined
    const place = this.#place(part.at)
    if (part.refuses) this.#records.push('response.refusal.done', { ...place, refusal: part.text })
    else this.#records.push('response.output_text.done', { ...place, text: part.text, logprobs: [] })
    const whole = spellPart(part)
    this.#content.push(whole)
    this.#records.push('response.content_part.done', { ...place, part: whole })
  }

  /** The item, whole. */
  close(status: string): object {
    this.stop()
    const item = this.#item(status, this.#content)
    this.#records.push('response.output_item.done', { output_index: this.#index, item })
    return item
  }

  #place(at: number): object {
    return { item_id: this.#id, output_index: this.#index, content_index: at }
  }

  #item(status: string, content: readonly object[]): object {
    const phase = this.phase === undefined ? undefined : { phase: this.phase }
    return { id: this.#id, type: 'message', status, content, role: 'assistant', ...phase }
  }
}

function spellPart({ refuses, text, annotations }: Part): object {
  return refuses ? { type: 'refusal', refusal: text } : { type: 'output_text', annotations, logprobs: [], text }
}
