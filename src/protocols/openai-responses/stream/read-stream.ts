import type { ChatAnswer } from '../../../chat/answer.js'
import type { Block } from '../../../chat/blocks.js'
import { AnswerCollector } from '../../../chat/collect-answer.js'
import type { Emit } from '../../../chat/events.js'
import { invalidAnswer, type UpstreamError } from '../../../chat/upstream-error.js'
import type { SseRecord } from '../../../lib/sse.js'
import { isObject, parseJson, textOf } from '../../../lib/values.js'
import type { ReadOptions, StreamReader } from '../../protocol.js'
import { readFinish } from '../answer/status.js'
import { readUsage } from '../answer/usage.js'
import { readResponseError } from '../errors.js'
import { eventHandlers, type StreamState } from './event-handlers.js'
import { type BlockEmitter, ItemReader } from './read-item.js'

type Fields = Readonly<Record<string, unknown>>

/** Creates the reader of a stream. */
export function readStream(options: ReadOptions): StreamReader {
  return new ResponseReader(options)
}

/** Reads a whole response, as the only event of a stream. */
export function readResponse(response: Fields, options: ReadOptions): ChatAnswer {
  const collector = new AnswerCollector()
  const reader = new ResponseReader(options)
  reader.readEvent('response.completed', { response }, (event) => collector.push(event))
  return collector.answer
}

class ResponseReader implements StreamReader, StreamState, BlockEmitter {
  state: StreamReader['state'] = 'open'
  readonly #id: string
  /** By index in the output. */
  readonly #items = new Map<number, ItemReader>()
  readonly #itemsById = new Map<string, ItemReader>()
  /** In the order in which they began. Those at the end may be done. */
  readonly #openItems: ItemReader[] = []
  #isStarted = false
  #hasFailed = false
  #blockCount = 0
  /** Number of ids created for tool calls. */
  #callIdCount = 0
  #hasCalls = false
  #hasRefusal = false

  constructor({ id }: ReadOptions) {
    this.#id = id
  }

  read(record: SseRecord, emit: Emit): void {
    if (this.#hasFailed || this.state === 'over' || hasNoEvent(record.data)) return
    const event = parseJson(record.data)
    if (!isObject(event)) return this.fail(invalidAnswer('a stream record that is not JSON'), emit)
    this.readEvent(textOf(event.type) ?? record.event ?? '', event, emit)
  }

  readEvent(type: string, event: Fields, emit: Emit): void {
    const handle = eventHandlers.get(type)
    if (handle) {
      if (!this.#isStarted) this.#start(event, emit)
      handle(this, event, emit)
    } else if (event.error) this.fail(readResponseError(event.error), emit)
  }

  /** Finds by index, else by id. Takes the latest open item where both are missing, as some servers leave them out. */
  itemFor({ output_index: index, item_id: id }: Fields, type: unknown): ItemReader {
    const existing =
      typeof index === 'number'
        ? this.#items.get(index)
        : (this.#itemsById.get(textOf(id) ?? '') ?? this.#latestOpenItem())
    return existing ?? this.#addItem(typeof index === 'number' ? index : this.#unusedIndex(), type)
  }

  registerId(item: ItemReader): void {
    if (item.id !== undefined && !this.#itemsById.has(item.id)) this.#itemsById.set(item.id, item)
  }

  openBlock(block: Block, emit: Emit): number {
    if (block.type === 'tool-call') this.#hasCalls = true
    if (block.type === 'refusal') this.#hasRefusal = true
    const index = this.#blockCount++
    emit({ type: 'block', index, choice: 0, block })
    return index
  }

  createCallId(): string {
    return `call_${this.#id}_${this.#callIdCount++}`
  }

  /** Ends the answer by its final response, which may hold content that had no events. */
  finish(event: Fields, emit: Emit): void {
    const response = isObject(event.response) ? event.response : {}
    if (response.status === 'failed' || response.status === 'cancelled') {
      return this.fail(readResponseError(response.error), emit)
    }
    const output = Array.isArray(response.output) ? response.output.filter(isObject) : []
    for (const [index, item] of output.entries()) this.#completeItem(index, item, output.length, emit)
    for (const item of this.#items.values()) item.close(emit)
    const status = event.type === 'response.incomplete' ? 'incomplete' : response.status
    const finish = readFinish({ ...response, status }, this.#hasCalls, this.#hasRefusal)
    emit({ type: 'finish', choice: 0, finish })
    const usage = readUsage(response.usage)
    if (usage) emit({ type: 'usage', usage })
    this.state = 'over'
  }

  fail(upstreamError: UpstreamError, emit: Emit): void {
    if (!this.#isStarted) this.#start({}, emit)
    this.#hasFailed = true
    emit({ type: 'error', upstreamError })
  }

  #start(event: Fields, emit: Emit): void {
    this.#isStarted = true
    const response = isObject(event.response) ? event.response : {}
    emit({ type: 'start', id: textOf(response.id) ?? undefined, model: textOf(response.model) ?? undefined })
  }

  #addItem(index: number, type: unknown): ItemReader {
    const item = new ItemReader(this, String(type))
    this.#items.set(index, item)
    this.#openItems.push(item)
    return item
  }

  #latestOpenItem(): ItemReader | undefined {
    while (this.#openItems.at(-1)?.isDone) this.#openItems.pop()
    return this.#openItems.at(-1)
  }

  #unusedIndex(): number {
    let index = this.#items.size
    while (this.#items.has(index)) index++
    return index
  }

  /** Completes the item with the same id, or the same index and type. Adds it only if the stream had fewer items than `count`. */
  #completeItem(index: number, whole: Fields, count: number, emit: Emit): void {
    const sameIndex = this.#items.get(index)
    const sameType = sameIndex?.type === whole.type ? sameIndex : undefined
    const existing = this.#itemsById.get(textOf(whole.id) ?? '') ?? sameType
    if (existing) return existing.complete(whole, emit)
    if (this.#items.size >= count) return
    this.#addItem(this.#items.has(index) ? this.#unusedIndex() : index, whole.type).complete(whole, emit)
  }
}

/** Whether a record is blank, a comment that keeps the connection alive, or the `[DONE]` that some gateways send. */
function hasNoEvent(data: string): boolean {
  // Most records are JSON objects, so this saves the copy below.
  if (data.startsWith('{')) return false
  const text = data.trim()
  return text === '' || text.startsWith(':') || text === '[DONE]'
}
