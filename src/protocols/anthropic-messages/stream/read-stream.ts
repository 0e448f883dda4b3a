import type { Block } from '../../../chat/blocks.js'
import type { Emit } from '../../../chat/events.js'
import { invalidAnswer, type UpstreamError } from '../../../chat/upstream-error.js'
import type { Usage } from '../../../chat/usage.js'
import type { SseRecord } from '../../../lib/sse.js'
import { isObject, parseJson, textOf } from '../../../lib/values.js'
import type { ReadOptions, StreamReader } from '../../protocol.js'
import { resultError } from '../../result-errors.js'
import { isDirectCall } from '../answer/blocks.js'
import { readFinish } from '../answer/stop-reason.js'
import { readUsage } from '../answer/usage.js'
import { readErrorValue } from '../errors.js'
import { type BlockReader, createBlockReader } from './read-block.js'

type Fields = Record<string, unknown>

/** Reads a streamed message. */
export function readStream(options: ReadOptions): StreamReader {
  return new MessageReader(options.id)
}

class MessageReader implements StreamReader {
  state: StreamReader['state'] = 'open'
  readonly #id: string
  /** By the index that the stream gives them: some leave numbers out, or begin with 1. */
  readonly #incoming = new Map<unknown, BlockReader>()
  /** How many blocks have been emitted. */
  #opened = 0
  #calls = 0
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
    if (!isObject(record)) return this.#unreadable(data, emit)
    const { type } = record
    if (type === 'content_block_delta') return this.#delta(record, emit)
    if (type === 'content_block_start') return this.#begin(record.index, record.content_block, emit)
    if (type === 'content_block_stop') return this.#stop(record.index, emit)
    if (type === 'message_start') return this.#start(record.message, emit)
    if (type === 'message_delta') return this.#ending(record, emit)
    if (type === 'message_stop') return this.#over(emit)
    if (type === 'error' || (type === undefined && record.error)) {
      return this.#fail(readErrorValue(record.error) ?? invalidAnswer('an error without a message'), emit)
    }
    const upstreamError = type === undefined ? resultError(record) : undefined
    if (upstreamError) this.#fail(upstreamError, emit)
  }

  #unreadable(data: string, emit: Emit): void {
    const text = data.trim()
    if (text !== '' && text !== '[DONE]') this.#fail(invalidAnswer('a stream record that is not JSON'), emit)
  }

  #fail(upstreamError: UpstreamError, emit: Emit): void {
    this.#failed = true
    this.#ensureStarted(emit)
    emit({ type: 'error', upstreamError })
  }

  #start(message: unknown, emit: Emit): void {
    if (!isObject(message)) return
    if (!this.#started) {
      this.#started = true
      emit({ type: 'start', id: textOf(message.id) ?? undefined, model: textOf(message.model) ?? undefined })
    }
    this.#used(message.usage, emit)
    if (!Array.isArray(message.content)) return
    // Some proxies begin with what there is already.
    for (const [index, block] of message.content.entries()) {
      this.#begin(index, block, emit)
      this.#stop(index, emit)
    }
  }

  #ensureStarted(emit: Emit): void {
    if (this.#started) return
    this.#started = true
    emit({ type: 'start' })
  }

  #used(value: unknown, emit: Emit): void {
    const usage = readUsage(value, this.#usage)
    if (!usage || usage === this.#usage) return
    this.#usage = usage
    emit({ type: 'usage', usage })
  }

  #begin(key: unknown, block: unknown, emit: Emit): void {
    if (!isObject(block)) return
    this.#ensureStarted(emit)
    this.#stop(key, emit)
    const incoming = createBlockReader(block, `call_${this.#id}_${this.#opened}`)
    if (isDirectCall(block)) this.#calls++
    this.#incoming.set(key, incoming)
    incoming.begin(this.#open, emit)
  }

  /** Numbers a block when there is something to tell of it. */
  readonly #open = (block: Block, emit: Emit): number => {
    const index = this.#opened++
    emit({ type: 'block', index, choice: 0, block })
    return index
  }

  #delta({ index: key, delta }: Fields, emit: Emit): void {
    if (!isObject(delta)) return
    let incoming = this.#incoming.get(key)
    if (!incoming) {
      const type = IMPLIED.get(delta.type)
      if (!type) return
      this.#begin(key, { type }, emit)
      incoming = this.#incoming.get(key)
    }
    incoming?.delta(delta, this.#open, emit)
  }

  #stop(key: unknown, emit: Emit): void {
    const incoming = this.#incoming.get(key)
    if (!incoming) return
    this.#incoming.delete(key)
    incoming.end(this.#open, emit)
  }

  #ending({ delta, usage }: Fields, emit: Emit): void {
    this.#used(usage, emit)
    if (isObject(delta) && delta.stop_reason) this.#finish(delta, emit)
  }

  #finish(delta: Fields, emit: Emit): void {
    if (this.#finished) return
    this.#finished = true
    this.#ensureStarted(emit)
    for (const key of [...this.#incoming.keys()]) this.#stop(key, emit)
    emit({ type: 'finish', choice: 0, finish: readFinish(delta, this.#calls > 0) })
  }

  #over(emit: Emit): void {
    this.#finish({}, emit)
    this.state = 'over'
  }
}

/** The block that a delta belongs to when its beginning never came. */
const IMPLIED = new Map<unknown, string>([
  ['text_delta', 'text'],
  ['thinking_delta', 'thinking'],
  ['signature_delta', 'thinking'],
])
