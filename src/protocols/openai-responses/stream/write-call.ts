import type { ToolCallBlock } from '../../../chat/blocks.js'
import { deltaHead, type RecordBuffer } from './record-buffer.js'

/** Writes a tool call. */
export class CallWriter {
  readonly #records: RecordBuffer
  readonly #index: number
  readonly #id: string
  readonly #call: ToolCallBlock
  /** Start of its deltas. */
  readonly #head: string
  #input = ''

  constructor(records: RecordBuffer, index: number, id: string, call: ToolCallBlock) {
    this.#records = records
    this.#index = index
    this.#id = id
    this.#call = call
    this.#head = deltaHead(`${this.#event}.delta`, this.#position)
    records.push('response.output_item.added', { output_index: index, item: this.#item('in_progress', '') })
  }

  delta(text: string): void {
    this.#input += text
    this.#records.pushDelta(this.#head, text)
  }

  /** Ends the item and returns it. A function without arguments gets an empty object. */
  close(): object {
    if (this.#input === '' && !this.#call.freeform) this.delta('{}')
    const input = this.#call.freeform ? { input: this.#input } : { arguments: this.#input }
    this.#records.push(`${this.#event}.done`, { ...this.#position, ...input })
    const item = this.#item('completed', this.#input)
    this.#records.push('response.output_item.done', { output_index: this.#index, item })
    return item
  }

  get #event(): string {
    return this.#call.freeform ? 'response.custom_tool_call_input' : 'response.function_call_arguments'
  }

  get #position(): object {
    return { item_id: this.#id, output_index: this.#index }
  }

  #item(status: string, input: string): object {
    const { id, name, namespace, freeform } = this.#call
    const common = { id: this.#id, type: freeform ? 'custom_tool_call' : 'function_call', status }
    const inputField = freeform ? { input } : { arguments: input }
    return { ...common, ...inputField, call_id: id, name, ...(namespace !== undefined && { namespace }) }
  }
}
