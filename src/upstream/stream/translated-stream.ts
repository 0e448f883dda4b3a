import type { Outcome } from '../../call.js'
import type { Emit } from '../../chat/events.js'
import { isRefusalEvent } from '../../chat/refusal.js'
import type { UpstreamError } from '../../chat/upstream-error.js'
import type { Usage } from '../../chat/usage.js'
import { RelayError } from '../../errors.js'
import type { ByteSink } from '../../http.js'
import { RecordGatherer, readRecords } from '../../lib/sse.js'
import type { StreamFrames, StreamReader, StreamWriter } from '../../protocols/protocol.js'
import type { AttemptEnd, AttemptEvents } from '../attempt/attempt-events.js'
import type { AnswerTranslator } from '../transcode/answer-translator.js'
import { type ClientStream, StreamOutput } from './stream-output.js'
import { estimateTokens, reportsOutput } from './token-estimate.js'

/** A record longer than this is no delta of any model; memory must stay flat. */
const LONGEST_RECORD = 32 * 1024 * 1024
/** Line ends to some clients, though JSON lets them stand in a string. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g

/** An answer that is told anew in the caller's language while it comes. */
export class TranslatedStream implements ClientStream {
  readonly #exchange: AttemptEvents
  readonly #retelling: AnswerTranslator
  readonly #reader: StreamReader
  readonly #writer: StreamWriter
  readonly #emit: Emit
  readonly #outlet: StreamOutput
  readonly #records = new RecordGatherer()
  /** What the events of this piece have come to. */
  #text = ''
  #usage: Usage | undefined
  /** Characters of output, and how many of them the usage is of. */
  #length = 0
  #counted = 0
  #refused = false
  #upstreamError: UpstreamError | undefined
  #over = false

  constructor(exchange: AttemptEvents, retelling: AnswerTranslator, frames: StreamFrames | undefined) {
    this.#exchange = exchange
    this.#outlet = new StreamOutput(frames)
    this.#retelling = retelling
    this.#reader = retelling.readStream()
    this.#writer = retelling.writeStream()
    this.#emit = retelling.through((event) => {
      if (event.type === 'delta') this.#length += event.text.length
      else if (event.type === 'usage') this.#usage = event.usage
      else if (isRefusalEvent(event)) this.#refused = true
      if (event.type === 'error') this.#upstreamError = event.upstreamError
      else this.#text += this.#writer.write(event)
    })
  }

  start(sink: ByteSink): void {
    this.#outlet.flow(sink)
  }

  resume(): void {
    this.#exchange.resume()
  }

  write(chunk: Buffer): boolean {
    if (this.#over) return true
    const records = this.#records.push(chunk)
    if (records.length > 0) this.#read(records)
    if (this.#upstreamError) this.#failed(this.#exchange.toRelayError(this.#upstreamError))
    else if (this.#reader.state === 'over') this.#finished()
    else if (this.#retelling.isCut) this.#cut()
    else if (this.#records.carried > LONGEST_RECORD) this.fail(new RelayError('upstream_invalid', TOO_LONG))
    return this.#over || this.#write()
  }

  end(): void {
    if (this.#over) return
    if (this.#records.carried > 0) this.#read(this.#records.rest())
    if (this.#upstreamError) this.#failed(this.#exchange.toRelayError(this.#upstreamError))
    else if (this.#reader.state !== 'open') this.#finished()
    else this.#failed(new RelayError('upstream_failed', 'The provider ended its answer in the middle.'))
  }

  fail(error: RelayError): void {
    if (this.#over) return
    if (this.#reader.state === 'open') this.#failed(error)
    else this.#finished()
  }

  /** Tells a whole answer as the stream that was asked for. */
  writeWholeAnswer(body: Buffer): void {
    this.#retelling.replayAsEvents(body, this.#emit)
    this.#counted = this.#length
    if (this.#upstreamError) this.#failed(this.#exchange.toRelayError(this.#upstreamError))
    else this.#finished()
  }

  abandon(): void {
    const outcome = this.#reader.state === 'open' ? 'left' : 'complete'
    this.drain()
    this.#over = true
    this.#exchange.onEnd(this.#end(outcome))
  }

  drain(): void {
    this.#outlet.close()
    this.#exchange.resume()
  }

  #read(records: Buffer): void {
    for (const record of readRecords(records)) {
      if (this.#upstreamError || this.#reader.state === 'over') return
      const before = this.#usage
      this.#reader.read(record, this.#emit)
      if (this.#usage !== before) this.#counted = this.#length
    }
  }

  #finished(): void {
    this.#text += this.#writer.end()
    this.#close()
    this.#exchange.onAnswerComplete(this.#end('complete'))
  }

  /** What the upstream goes on to say is not wanted any more. */
  #cut(): void {
    this.#text += this.#writer.end()
    this.#close()
    this.#exchange.onEnd(this.#end('complete'))
  }

  #failed(error: RelayError): void {
    this.#text += this.#lastWords(error)
    this.#close()
    this.#exchange.onEnd({ ...this.#end(this.#upstreamError ? 'failed' : 'cut'), error })
  }

  #end(outcome: Outcome): AttemptEnd {
    const length = this.#length
    const isTold = reportsOutput(this.#usage) && this.#counted === length
    const estimate = isTold ? undefined : () => estimateTokens(length)
    return { outcome, usage: this.#usage, refused: this.#refused, estimate }
  }

  /** Of an answer that cannot be told, its failure may not be either: then it just ends, without a mark of success. */
  #lastWords(error: RelayError): string {
    try {
      return this.#writer.fail(error)
    } catch {
      return ''
    }
  }

  #close(): void {
    this.#over = true
    this.#write()
    this.#outlet.end()
  }

  #write(): boolean {
    if (this.#text === '') return true
    const text = this.#text
    this.#text = ''
    return this.#outlet.write(Buffer.from(text.replace(LINE_ENDS, escaped)))
  }
}

const TOO_LONG = 'The provider gave a stream record without end.'

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
