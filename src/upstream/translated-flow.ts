import type { Outcome } from '../call.js'
import type { Emit } from '../chat/events.js'
import type { Fault } from '../chat/fault.js'
import { tellsRefusal } from '../chat/refusal.js'
import type { Usage } from '../chat/usage.js'
import { RelayError } from '../errors.js'
import type { ByteSink } from '../http.js'
import { RecordGatherer, readRecords } from '../lib/sse.js'
import type { Frames, StreamReader, StreamWriter } from '../protocols/protocol.js'
import { tellsOutput, tokensOf } from './delivered.js'
import type { Answering, Ended } from './intake.js'
import { type Outflow, Outlet } from './outlet.js'
import type { Retelling } from './retelling.js'

/** A record longer than this is no delta of any model; memory must stay flat. */
const LONGEST_RECORD = 32 * 1024 * 1024
/** Line ends to some clients, though JSON lets them stand in a string. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g

/** An answer that is told anew in the caller's language while it comes. */
export class TranslatedFlow implements Outflow {
  readonly #exchange: Answering
  readonly #retelling: Retelling
  readonly #reader: StreamReader
  readonly #writer: StreamWriter
  readonly #emit: Emit
  readonly #outlet: Outlet
  readonly #records = new RecordGatherer()
  /** What the events of this piece have come to. */
  #text = ''
  #usage: Usage | undefined
  /** Characters of output, and how many of them the usage is of. */
  #length = 0
  #counted = 0
  #refused = false
  #fault: Fault | undefined
  #over = false

  constructor(exchange: Answering, retelling: Retelling, frames: Frames | undefined) {
    this.#exchange = exchange
    this.#outlet = new Outlet(frames)
    this.#retelling = retelling
    this.#reader = retelling.readStream()
    this.#writer = retelling.writeStream()
    this.#emit = retelling.through((event) => {
      if (event.type === 'delta') this.#length += event.text.length
      else if (event.type === 'usage') this.#usage = event.usage
      else if (tellsRefusal(event)) this.#refused = true
      if (event.type === 'error') this.#fault = event.fault
      else this.#text += this.#writer.write(event)
    })
  }

  flow(sink: ByteSink): void {
    this.#outlet.flow(sink)
  }

  resume(): void {
    this.#exchange.resume()
  }

  take(chunk: Buffer): boolean {
    if (this.#over) return true
    const records = this.#records.push(chunk)
    if (records.length > 0) this.#read(records)
    if (this.#fault) this.#failed(this.#exchange.errorOf(this.#fault))
    else if (this.#reader.state === 'over') this.#finished()
    else if (this.#retelling.isCut) this.#cut()
    else if (this.#records.carried > LONGEST_RECORD) this.fail(new RelayError('upstream_invalid', TOO_LONG))
    return this.#over || this.#write()
  }

  end(): void {
    if (this.#over) return
    if (this.#records.carried > 0) this.#read(this.#records.rest())
    if (this.#fault) this.#failed(this.#exchange.errorOf(this.#fault))
    else if (this.#reader.state !== 'open') this.#finished()
    else this.#failed(new RelayError('upstream_failed', 'The provider ended its answer in the middle.'))
  }

  fail(error: RelayError): void {
    if (this.#over) return
    if (this.#reader.state === 'open') this.#failed(error)
    else this.#finished()
  }

  /** Tells a whole answer as the stream that was asked for. */
  tell(body: Buffer): void {
    this.#retelling.unfold(body, this.#emit)
    this.#counted = this.#length
    if (this.#fault) this.#failed(this.#exchange.errorOf(this.#fault))
    else this.#finished()
  }

  leave(): void {
    const outcome = this.#reader.state === 'open' ? 'left' : 'complete'
    this.drain()
    this.#over = true
    this.#exchange.ended(this.#end(outcome))
  }

  drain(): void {
    this.#outlet.close()
    this.#exchange.resume()
  }

  #read(records: Buffer): void {
    for (const record of readRecords(records)) {
      if (this.#fault || this.#reader.state === 'over') return
      const before = this.#usage
      this.#reader.read(record, this.#emit)
      if (this.#usage !== before) this.#counted = this.#length
    }
  }

  #finished(): void {
    this.#text += this.#writer.end()
    this.#close()
    this.#exchange.finished(this.#end('complete'))
  }

  /** What the upstream goes on to say is not wanted any more. */
  #cut(): void {
    this.#text += this.#writer.end()
    this.#close()
    this.#exchange.ended(this.#end('complete'))
  }

  #failed(error: RelayError): void {
    this.#text += this.#lastWords(error)
    this.#close()
    this.#exchange.ended({ ...this.#end(this.#fault ? 'failed' : 'cut'), error })
  }

  #end(outcome: Outcome): Ended {
    const length = this.#length
    const isTold = tellsOutput(this.#usage) && this.#counted === length
    const estimate = isTold ? undefined : () => tokensOf(length)
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
