import type { ChatAnswer, Finish } from '../../../chat/answer.js'
import type { ChatEvent } from '../../../chat/events.js'
import { replayAsEvents } from '../../../chat/replay-answer.js'
import { SerialBlocks } from '../../../chat/serial-blocks.js'
import type { Usage } from '../../../chat/usage.js'
import type { RelayError } from '../../../errors.js'
import type { AnswerContext, StreamWriter } from '../../protocol.js'
import { writeFinish } from '../answer/status.js'
import { type ResponseState, writeResponse } from '../answer/write-response.js'
import { errorRecord, writeResponseError } from '../errors.js'
import { RecordBuffer } from './record-buffer.js'
import { OutputWriter } from './write-output.js'

/** Creates the writer of a stream. */
export function writeStream(context: AnswerContext): StreamWriter {
  return new ResponseWriter(context, true)
}

/** Writes a whole answer: the response that a stream would end with. */
export function writeAnswer(answer: ChatAnswer, context: AnswerContext): string {
  const writer = new ResponseWriter(context, false)
  replayAsEvents(answer, (event) => writer.write(event))
  return JSON.stringify(writer.finish().response)
}

class ResponseWriter implements StreamWriter {
  readonly #context: AnswerContext
  readonly #records: RecordBuffer
  readonly #output: OutputWriter
  readonly #serial: SerialBlocks
  /** Blocks of further choices. The protocol has only one choice. */
  readonly #ignoredBlocks = new Set<number>()
  #model: string | undefined
  #isStarted = false
  #finish: Finish = { reason: 'stop' }
  #usage: Usage | undefined

  constructor(context: AnswerContext, isStream: boolean) {
    this.#context = context
    this.#records = new RecordBuffer(isStream)
    this.#output = new OutputWriter(context, this.#records)
    this.#serial = new SerialBlocks((event) => this.#write(event))
  }

  write(event: ChatEvent): string {
    if (event.type === 'block' && event.choice > 0) this.#ignoredBlocks.add(event.index)
    const isIgnored = this.#ignoredBlocks.size > 0 && 'index' in event && this.#ignoredBlocks.has(event.index)
    if (!isIgnored) this.#serial.push(event)
    return this.#records.take()
  }

  end(): string {
    const { status, response } = this.finish()
    this.#records.push(`response.${status}`, { response })
    return this.#records.take()
  }

  fail(error: RelayError): string {
    if (!this.#isStarted) return errorRecord(error, 0)
    const { items } = this.#output
    const state = { status: 'failed', output: items, usage: this.#usage, error: writeResponseError(error) }
    this.#records.push('response.failed', { response: this.#response(state) })
    return this.#records.take()
  }

  /** Ends all items, and returns the final response. */
  finish(): { status: string; response: object } {
    this.#start()
    const { reason, explanation } = this.#finish
    const end = writeFinish(this.#finish, this.#output.hasRefusal)
    if (reason === 'refusal' && explanation && !this.#output.hasRefusal) this.#output.addRefusal(explanation)
    this.#output.end(end.status === 'incomplete')
    const response = this.#response({ ...end, output: this.#output.items, usage: this.#usage })
    return { status: end.status, response }
  }

  #write(event: ChatEvent): void {
    if (event.type === 'delta') return this.#output.delta(event.text)
    if (!this.#isStarted) this.#start(event)
    if (event.type === 'block') this.#output.beginBlock(event.block, event.index)
    else if (event.type === 'stop') this.#output.endBlock()
    else if (event.type === 'mark') {
      if (event.citation) this.#output.cite(event.citation)
      if (event.signature) this.#output.sign(event.signature)
    } else if (event.type === 'usage') this.#usage = event.usage
    else if (event.type === 'finish' && event.choice === 0) this.#finish = event.finish
  }

  #start(event?: ChatEvent): void {
    if (this.#isStarted) return
    this.#isStarted = true
    this.#model = (event?.type === 'start' && event.model) || this.#context.model
    const response = this.#response({ status: 'in_progress', output: [] })
    this.#records.push('response.created', { response })
    this.#records.push('response.in_progress', { response })
  }

  #response(state: ResponseState): object {
    return writeResponse(this.#context, this.#model ?? this.#context.model, state)
  }
}
