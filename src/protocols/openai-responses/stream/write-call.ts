import type { ToolCallBlock } from '../../../chat/blocks.js'
import { headOf, type Records } from './records.js'

/** A tool call on its way out. */
export class CallItem {
  readonly #records: Records
  readonly #index: number
  readonly #id: string
  readonly #call: ToolCallBlock
  readonly #head: string
  #input = ''

  constructor(records: Records, index: number, id: string, call: ToolCallBlock) {
    this.#records = records
    this.#index = index
    this.#id = id
    this.#call = call
    this.#head = headOf(`${this.#event}.delta`, this.#place)
    records.push('response.output_item.added', { output_index: index, item: this.#item('in_progress', '') })
  }

  grow(text: string): void {
    this.#input += text
    this.#records.grow(this.#head, text)
  }

  /** The item, whole. A function that takes nothing is given an empty object. */
  close(): object {
    if (this.#input === '' && !this.#call.freeform) this.grow('{}')
    const input = this.#call.freeform ? { input: this.#input } : { arguments: this.#input }
    this.#records.push(`${this.#event}.done`, { ...this.#place, ...input })
    const item = this.#item('completed', this.#input)
    this.#records.push('response.output_item.done', { output_index: this.#index, item })
    return item
  }

  get #event(): string {
    return this.#call.freeform ? 'response.custom_tool_call_input' : 'response.function_call_arguments'
  }

  get #place(): object {
    return { item_id: this.#id, output_index: this.#index }
  }

  #item(status: string, input: string): object {
    const { id, name, namespace, freeform } = this.#call
    const common = { id: this.#id, type: freeform ? 'custom_tool_call' : 'function_call', status }
    const own = freeform ? { input } : { arguments: input }
    return { ...common, ...own, call_id: id, name, ...(namespace !== undefined && { namespace }) }
  }
}
