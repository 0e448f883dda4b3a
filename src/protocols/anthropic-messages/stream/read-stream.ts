import type { Block } from '../../../chat/blocks.js'
import type { Emit } from '../../../chat/events.js'
import { invalidAnswer, type UpstreamError } from '../../../chat/upstream-error.js'
import type { Usage } from '../../../chat/usage.js'
import type { SseRecord } from '../../../lib/sse.js'
import { isObject, parseJson, textOf } from '../../../lib/values.js'
import type { ReadOptions, StreamReader } from '../../protocol.js'
import { isDirectCall } from '../answer/blocks.js'
import { readFinish } from '../answer/stop-reason.js'
import { readUsage } from '../answer/usage.js'
import { readRecordError } from '../errors.js'
import { type BlockReader, createBlockReader } from './read-block.js'

type Fields = Record<string, unknown>

/** Reads a streamed message. */
export function readStream(options: ReadOptions): StreamReader {
  return new MessageReader(options.id)
}

class MessageReader implements StreamReader {
  state: StreamReader['state'] = 'open'
  readonly #id: string
  /** Readers of the open blocks, by the stream's index. Some upstreams skip numbers or begin with 1. */
  readonly #readers = new Map<unknown, BlockReader>()
  /** Number of blocks emitted so far. */
  #blockCount = 0
  #callCount = 0
  #started = false
  #failed = false
  #finished = false
  #usage: Usage | undefined

  constructor(id: string) {
    this.#id = id
  }

  read({ data }: SseRecord, emit: Emit): void {
    if (this.#failed || this.state === 'over') return
    const record = parseJson(data)
    if (!isObject(record)) return this.#handleInvalidRecord(data, emit)
    const { type } = record
    if (type === 'content_block_delta') return this.#readBlockDelta(record, emit)
    if (type === 'content_block_start') return this.#beginBlock(record.index, record.content_block, emit)
    if (type === 'content_block_stop') return this.#endBlock(record.index, emit)
    if (type === 'message_start') return this.#readMessageStart(record.message, emit)
    if (type === 'message_delta') return this.#readMessageDelta(record, emit)
    if (type === 'message_stop') return this.#end(emit)
    const upstreamError = readRecordError(record)
    if (upstreamError) this.#fail(upstreamError, emit)
  }

  #handleInvalidRecord(data: string, emit: Emit): void {
    const text = data.trim()
    if (text !== '' && text !== '[DONE]') this.#fail(invalidAnswer('a stream record that is not JSON'), emit)
  }

  #fail(upstreamError: UpstreamError, emit: Emit): void {
    this.#failed = true
    this.#ensureStarted(emit)
    emit({ type: 'error', upstreamError })
  }

  #readMessageStart(message: unknown, emit: Emit): void {
    if (!isObject(message)) return
    if (!this.#started) {
      this.#started = true
      emit({ type: 'start', id: textOf(message.id) ?? undefined, model: textOf(message.model) ?? undefined })
    }
    this.#emitUsage(message.usage, emit)
    if (!Array.isArray(message.content)) return
    // Some proxies put the first content into the start of the message.
    for (const [index, block] of message.content.entries()) {
      this.#beginBlock(index, block, emit)
      this.#endBlock(index, emit)
    }
  }

  #ensureStarted(emit: Emit): void {
    if (this.#started) return
    this.#started = true
    emit({ type: 'start' })
  }

  #emitUsage(value: unknown, emit: Emit): void {
    const usage = readUsage(value, this.#usage)
    if (!usage || usage === this.#usage) return
    this.#usage = usage
    emit({ type: 'usage', usage })
  }

  #beginBlock(key: unknown, block: unknown, emit: Emit): void {
    if (!isObject(block)) return
    this.#ensureStarted(emit)
    this.#endBlock(key, emit)
    const reader = createBlockReader(block, `call_${this.#id}_${this.#blockCount}`)
    if (isDirectCall(block)) this.#callCount++
    this.#readers.set(key, reader)
    reader.begin(this.#openBlock, emit)
  }

  /** Emits the start of a block, and returns the block's number. */
  readonly #openBlock = (block: Block, emit: Emit): number => {
    const index = this.#blockCount++
    emit({ type: 'block', index, choice: 0, block })
    return index
  }

  #readBlockDelta({ index: key, delta }: Fields, emit: Emit): void {
    if (!isObject(delta)) return
    let reader = this.#readers.get(key)
    if (!reader) {
      const type = IMPLIED_BLOCK_TYPES.get(delta.type)
      if (!type) return
      this.#beginBlock(key, { type }, emit)
      reader = this.#readers.get(key)
    }
    reader?.delta(delta, this.#openBlock, emit)
  }

  #endBlock(key: unknown, emit: Emit): void {
    const reader = this.#readers.get(key)
    if (!reader) return
    this.#readers.delete(key)
    reader.end(this.#openBlock, emit)
  }

  #readMessageDelta({ delta, usage }: Fields, emit: Emit): void {
    this.#emitUsage(usage, emit)
    if (isObject(delta) && delta.stop_reason) this.#finish(delta, emit)
  }

  #finish(delta: Fields, emit: Emit): void {
    if (this.#finished) return
    this.#finished = true
    this.#ensureStarted(emit)
    for (const key of [...this.#readers.keys()]) this.#endBlock(key, emit)
    emit({ type: 'finish', choice: 0, finish: readFinish(delta, this.#callCount > 0) })
  }

  #end(emit: Emit): void {
    this.#finish({}, emit)
    this.state = 'over'
  }
}

/** The type of a delta's block, for upstreams that omit `content_block_start`. */
const IMPLIED_BLOCK_TYPES = new Map<unknown, string>([
  ['text_delta', 'text'],
  ['thinking_delta', 'thinking'],
  ['signature_delta', 'thinking'],
])
