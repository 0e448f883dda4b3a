import type { ChatAnswer, Finish } from '../../../chat/answer.js'
import type { ChatEvent } from '../../../chat/events.js'
import { replayAsEvents } from '../../../chat/replay-answer.js'
import { SerialBlocks } from '../../../chat/serial-blocks.js'
import type { Usage } from '../../../chat/usage.js'
import type { RelayError } from '../../../errors.js'
import type { AnswerContext, StreamWriter } from '../../protocol.js'
import { writeFinish } from '../answer/status.js'
import { type Progress, writeResponse } from '../answer/write-response.js'
import { responseError, spellErrorEvent } from '../errors.js'
import { Records } from './records.js'
import { Output } from './write-output.js'

/** Writes one stream of a response. */
export function writeStream(answering: AnswerContext): StreamWriter {
  return new Writer(answering, true)
}

/** A whole answer: what its stream would have ended with. */
export function writeAnswer(answer: ChatAnswer, answering: AnswerContext): string {
  const writer = new Writer(answering, false)
  replayAsEvents(answer, (event) => writer.write(event))
  return JSON.stringify(writer.finished().response)
}

class Writer implements StreamWriter {
  readonly #answering: AnswerContext
  readonly #records: Records
  readonly #output: Output
  readonly #serial: SerialBlocks
  /** Blocks of further choices, of which the language has none. */
  readonly #ignored = new Set<number>()
  #model: string | undefined
  #started = false
  #finish: Finish = { reason: 'stop' }
  #usage: Usage | undefined

  constructor(answering: AnswerContext, wanted: boolean) {
    this.#answering = answering
    this.#records = new Records(wanted)
    this.#output = new Output(answering, this.#records)
    this.#serial = new SerialBlocks((event) => this.#take(event))
  }

  write(event: ChatEvent): string {
    if (event.type === 'block' && event.choice > 0) this.#ignored.add(event.index)
    const ignored = this.#ignored.size > 0 && 'index' in event && this.#ignored.has(event.index)
    if (!ignored) this.#serial.push(event)
    return this.#records.take()
  }

  end(): string {
    const { status, response } = this.finished()
    this.#records.push(`response.${status}`, { response })
    return this.#records.take()
  }

  fail(error: RelayError): string {
    if (!this.#started) return spellErrorEvent(error, 0)
    const progress = { status: 'failed', output: this.#output.items, usage: this.#usage, error: responseError(error) }
    this.#records.push('response.failed', { response: this.#response(progress) })
    return this.#records.take()
  }

  /** The response as it is at the end. */
  finished(): { status: string; response: object } {
    this.#start()
    const { reason, explanation } = this.#finish
    const end = writeFinish(this.#finish, this.#output.refusals)
    if (reason === 'refusal' && explanation && !this.#output.refusals) this.#output.explain(explanation)
    this.#output.end(end.status === 'incomplete')
    const response = this.#response({ ...end, output: this.#output.items, usage: this.#usage })
    return { status: end.status, response }
  }

  #take(event: ChatEvent): void {
    if (event.type === 'delta') return this.#output.grow(event.text)
    if (!this.#started) this.#start(event)
    if (event.type === 'block') this.#output.open(event.block, event.index)
    else if (event.type === 'stop') this.#output.stop()
    else if (event.type === 'mark') {
      if (event.citation) this.#output.cite(event.citation)
      if (event.signature) this.#output.sign(event.signature)
    } else if (event.type === 'usage') this.#usage = event.usage
    else if (event.type === 'finish' && event.choice === 0) this.#finish = event.finish
  }

  #start(event?: ChatEvent): void {
    if (this.#started) return
    this.#started = true
    this.#model = (event?.type === 'start' && event.model) || this.#answering.model
    const response = this.#response({ status: 'in_progress', output: [] })
    this.#records.push('response.created', { response })
    this.#records.push('response.in_progress', { response })
  }

  #response(progress: Progress): object {
    return writeResponse(this.#answering, this.#model ?? this.#answering.model, progress)
  }
}
