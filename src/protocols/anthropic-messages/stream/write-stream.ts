import type { Finish } from '../../../chat/answer.js'
import type { ChatEvent } from '../../../chat/events.js'
import { SerialBlocks } from '../../../chat/serial-blocks.js'
import type { Usage } from '../../../chat/usage.js'
import type { RelayError } from '../../../errors.js'
import type { AnswerContext, StreamWriter } from '../../protocol.js'
import { writeFinish } from '../answer/stop-reason.js'
import { writeDeltaUsage, writeUsage } from '../answer/usage.js'
import { messageId } from '../answer/write-answer.js'
import { streamError } from '../errors.js'
import { PROTOCOL_ID } from '../traits.js'
import { writeRecord } from './record.js'
import { type BlockWriter, createBlockWriter } from './write-block.js'

/** Writes a streamed message, one block after the other. */
export function writeStream(context: AnswerContext): StreamWriter {
  return new MessageWriter(context)
}

class MessageWriter implements StreamWriter {
  readonly #context: AnswerContext
  readonly #serializer: SerialBlocks
  /** Indexes of the blocks that are left out: those of other choices, and unsupported ones. */
  readonly #skipped = new Set<number>()
  #text = ''
  #started = false
  /** Writes the open block. */
  #blockWriter: BlockWriter | undefined
  #blockCount = 0
  #hasRefused = false
  #finish: Finish = { reason: 'stop' }
  #usage: Usage | undefined

  constructor(context: AnswerContext) {
    this.#context = context
    this.#serializer = new SerialBlocks((event) => this.#writeEvent(event))
  }

  write(event: ChatEvent): string {
    if (event.type === 'block' && !this.#isSupported(event)) this.#skipped.add(event.index)
    if (this.#skipped.size > 0 && 'index' in event && this.#skipped.has(event.index)) return ''
    this.#text = ''
    this.#serializer.push(event)
    return this.#text
  }

  end(): string {
    this.#text = ''
    this.#startMessage()
    this.#endBlock()
    const delta = { ...writeFinish(this.#finish, this.#hasRefused), container: null }
    this.#text += writeRecord('message_delta', { delta, usage: writeDeltaUsage(this.#usage) })
    return this.#text + writeRecord('message_stop', {})
  }

  fail(error: RelayError): string {
    return streamError(error)
  }

  #isSupported({ block, choice, index }: Extract<ChatEvent, { type: 'block' }>): boolean {
    if (choice > 0) return false
    if (
      block.type !== 'media' &&
      block.type !== 'tool-result' &&
      !(block.type === 'foreign' && block.protocol !== PROTOCOL_ID)
    )
      return true
    this.#context.losses.noEquivalent(`content[${index}]`)
    return false
  }

  #writeEvent(event: ChatEvent): void {
    if (event.type === 'delta') this.#text += this.#blockWriter?.delta(event.text) ?? ''
    else if (event.type === 'mark') this.#text += this.#blockWriter?.mark(event) ?? ''
    else if (event.type === 'block') this.#beginBlock(event)
    else if (event.type === 'stop') this.#endBlock()
    else if (event.type === 'usage') this.#usage = event.usage
    else if (event.type === 'start') this.#startMessage(event.id, event.model)
    else if (event.type === 'finish' && event.choice === 0) this.#finish = event.finish
  }

  #startMessage(id?: string, model?: string): void {
    if (this.#started) return
    this.#started = true
    const message = {
      id: messageId(id, this.#context),
      type: 'message',
      role: 'assistant',
      model: model ?? this.#context.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      container: null,
      diagnostics: null,
      usage: writeUsage(this.#usage),
    }
    this.#text += writeRecord('message_start', { message })
  }

  #beginBlock({ block }: Extract<ChatEvent, { type: 'block' }>): void {
    this.#startMessage()
    if (block.type === 'refusal') this.#hasRefused = true
    this.#blockWriter = createBlockWriter(block, this.#blockCount, this.#context)
    this.#text += this.#blockWriter.begin()
  }

  #endBlock(): void {
    if (!this.#blockWriter) return
    this.#text += this.#blockWriter.end()
    if (this.#blockWriter.isOpen) this.#blockCount++
    this.#blockWriter = undefined
  }
}
