import type { Outcome } from '../../call.js'
import type { Emit } from '../../chat/events.js'
import { isRefusalEvent } from '../../chat/refusal.js'
import type { UpstreamError } from '../../chat/upstream-error.js'
import type { Usage } from '../../chat/usage.js'
import { RelayError } from '../../errors.js'
import type { ByteSink } from '../../http.js'
import { RecordGatherer, readRecords } from '../../lib/sse.js'
import type { StreamFrames, StreamReader, StreamWriter } from '../../protocols/protocol.js'
import type { AttemptEnd, AttemptEvents, ClientStream } from '../attempt/attempt-events.js'
import type { AnswerTranslator } from '../transcode/translation.js'
import { StreamOutput } from './stream-output.js'
import { estimateTokens, reportsOutput } from './token-estimate.js'

/** Longer than any delta of a model: memory must stay bounded. */
const MAX_RECORD_BYTES = 32 * 1024 * 1024
/** Allowed within JSON strings, but some clients take them for line ends. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g

/** Translates a stream into the client's protocol while it arrives: upstream records → events → client records. */
export class TranslatedStream implements ClientStream {
  readonly #attempt: AttemptEvents
  readonly #translator: AnswerTranslator
  readonly #reader: StreamReader
  readonly #writer: StreamWriter
  readonly #emit: Emit
  readonly #output: StreamOutput
  readonly #records = new RecordGatherer()
  /** Text written by the events of the current chunk. */
  #text = ''
  #usage: Usage | undefined
  /** Characters of output so far. */
  #length = 0
  /** Characters of output when the usage was last reported. */
  #reportedLength = 0
  #refused = false
  #upstreamError: UpstreamError | undefined
  #isEnded = false

  constructor(attempt: AttemptEvents, translator: AnswerTranslator, frames: StreamFrames | undefined) {
    this.#attempt = attempt
    this.#output = new StreamOutput(frames)
    this.#translator = translator
    this.#reader = translator.readStream()
    this.#writer = translator.writeStream()
    this.#emit = translator.transform((event) => {
      if (event.type === 'delta') this.#length += event.text.length
      else if (event.type === 'usage') this.#usage = event.usage
      else if (isRefusalEvent(event)) this.#refused = true
      if (event.type === 'error') this.#upstreamError = event.upstreamError
      else this.#text += this.#writer.write(event)
    })
  }

  start(sink: ByteSink): void {
    this.#output.start(sink)
  }

  resume(): void {
    this.#attempt.resume()
  }

  write(chunk: Buffer): boolean {
    if (this.#isEnded) return true
    const records = this.#records.push(chunk)
    if (records.length > 0) this.#readRecords(records)
    if (this.#upstreamError) this.#endWithError(this.#attempt.toRelayError(this.#upstreamError))
    else if (this.#reader.state === 'over') this.#complete()
    else if (this.#translator.isCut) this.#stopAtStopSequence()
    else if (this.#records.pendingBytes > MAX_RECORD_BYTES) this.fail(new RelayError('upstream_invalid', TOO_LONG))
    return this.#isEnded || this.#flush()
  }

  end(): void {
    if (this.#isEnded) return
    if (this.#records.pendingBytes > 0) this.#readRecords(this.#records.rest())
    if (this.#upstreamError) this.#endWithError(this.#attempt.toRelayError(this.#upstreamError))
    else if (this.#reader.state !== 'open') this.#complete()
    else this.#endWithError(new RelayError('upstream_failed', 'The provider ended its answer in the middle.'))
  }

  fail(error: RelayError): void {
    if (this.#isEnded) return
    if (this.#reader.state === 'open') this.#endWithError(error)
    else this.#complete()
  }

  /** Writes a whole answer as the stream that the client wants. */
  writeWholeAnswer(body: Buffer): void {
    this.#translator.replayAsEvents(body, this.#emit)
    this.#reportedLength = this.#length
    if (this.#upstreamError) this.#endWithError(this.#attempt.toRelayError(this.#upstreamError))
    else this.#complete()
  }

  abandon(): void {
    const outcome = this.#reader.state === 'open' ? 'left' : 'complete'
    this.drain()
    this.#isEnded = true
    this.#attempt.onEnd(this.#attemptEnd(outcome))
  }

  drain(): void {
    this.#output.discard()
    this.#attempt.resume()
  }

  #readRecords(records: Buffer): void {
    for (const record of readRecords(records)) {
      if (this.#upstreamError || this.#reader.state === 'over') return
      const before = this.#usage
      this.#reader.read(record, this.#emit)
      if (this.#usage !== before) this.#reportedLength = this.#length
    }
  }

  #complete(): void {
    this.#text += this.#writer.end()
    this.#close()
    this.#attempt.onAnswerComplete(this.#attemptEnd('complete'))
  }

  /** Ends the answer at a stop sequence that the upstream does not know, and aborts the upstream. */
  #stopAtStopSequence(): void {
    this.#text += this.#writer.end()
    this.#close()
    this.#attempt.onEnd(this.#attemptEnd('complete'))
  }

  #endWithError(error: RelayError): void {
    this.#text += this.#errorText(error)
    this.#close()
    this.#attempt.onEnd({ ...this.#attemptEnd(this.#upstreamError ? 'failed' : 'cut'), error })
  }

  #attemptEnd(outcome: Outcome): AttemptEnd {
    const length = this.#length
    const isReported = reportsOutput(this.#usage) && this.#reportedLength === length
    const estimate = isReported ? undefined : () => estimateTokens(length)
    return { outcome, usage: this.#usage, refused: this.#refused, estimate }
  }

  /** Empty where the writer cannot write the error either: then the stream ends without a mark of success. */
  #errorText(error: RelayError): string {
    try {
      return this.#writer.fail(error)
    } catch {
      return ''
    }
  }

  #close(): void {
    this.#isEnded = true
    this.#flush()
    this.#output.end()
  }

  #flush(): boolean {
    if (this.#text === '') return true
    const text = this.#text
    this.#text = ''
    return this.#output.write(Buffer.from(text.replace(LINE_ENDS, escapeCharacter)))
  }
}

const TOO_LONG = 'The provider sent an endless stream record.'

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
