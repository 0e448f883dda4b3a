import type { Outcome } from '../../call.js'
import { RelayError } from '../../errors.js'
import type { ByteSink } from '../../http.js'
import { readRecords, type SseRecord, wholeRecords } from '../../lib/sse.js'
import type { InjectedUsage, StreamEnding } from '../../protocols/passthrough.js'
import type { StreamFrames } from '../../protocols/protocol.js'
import type { AttemptEnd, AttemptEvents, ClientStream, StreamPrelude } from '../attempt/attempt-events.js'
import { dropUsageRecords, findMarkedRecords } from './marked-records.js'
import { StreamOutput } from './stream-output.js'
import { StreamTail } from './stream-tail.js'
import { estimateStream, estimateTokens, reportsOutput } from './token-estimate.js'

/** A longer record passes in parts, which bounds memory. The relay does not recognize an error event after such a part. */
const MAX_INCOMPLETE_BYTES = 1024 * 1024
/** Number of last records that show how a stream ended. */
const LAST_RECORDS = 8

const LF = 0x0a
const BLANK_LINE = Buffer.from('\n\n')

export interface PassthroughOptions {
  readonly prelude: StreamPrelude
  readonly frames: StreamFrames | undefined
  /** Set where the relay asked for usage that the client did not ask for. */
  readonly injectedUsage: InjectedUsage | undefined
  /** Marks records that are errors in a form that clients do not know. */
  readonly errorMarker?: Buffer | undefined
}

/**
 * Passes a stream on to the client byte for byte, record by record. When the upstream breaks off within a record, an
 * error can follow that the client understands. Drops the usage record that only the relay has asked for.
 */
export class PassthroughStream implements ClientStream {
  readonly #attempt: AttemptEvents
  readonly #prelude: StreamPrelude
  readonly #output: StreamOutput
  /** The first part of an incomplete record. */
  #incomplete: Buffer | undefined
  readonly #tail = new StreamTail()
  /** The records in the tail, once the stream has ended. */
  #lastRecords: readonly SseRecord[] = []
  #hasAllRecords = false
  readonly #injectedUsage: InjectedUsage | undefined
  readonly #errorMarker: Buffer | undefined
  /** An error was written in place of a marked record; nothing may follow it. */
  #isStopped = false
  /** Bytes passed on so far. */
  #size = 0

  constructor(attempt: AttemptEvents, { prelude, frames, injectedUsage, errorMarker }: PassthroughOptions) {
    this.#injectedUsage = injectedUsage
    this.#errorMarker = errorMarker
    this.#output = new StreamOutput(frames)
    this.#attempt = attempt
    this.#prelude = prelude
  }

  start(sink: ByteSink): void {
    this.#output.start(sink)
  }

  resume(): void {
    this.#attempt.resume()
  }

  write(chunk: Buffer): boolean {
    const bytes = this.#incomplete ? Buffer.concat([this.#incomplete, chunk]) : chunk
    const end = wholeRecords(bytes)
    if (end === bytes.length || bytes.length > MAX_INCOMPLETE_BYTES) {
      this.#incomplete = undefined
      return this.#writeRecords(bytes)
    }
    this.#incomplete = bytes.subarray(end)
    return end === 0 || this.#writeRecords(bytes.subarray(0, end))
  }

  end(): void {
    if (this.#isStopped || (this.#incomplete && this.#stopAtMarkedError(this.#incomplete))) return
    const ending = this.#readEnding()
    if (ending.complete || ending.upstreamError) {
      this.#passIncomplete()
      this.#output.end()
      this.#end(ending.complete ? 'complete' : 'failed', ending)
    } else this.fail(new RelayError('upstream_failed', 'The provider ended its answer in the middle.'))
  }

  fail(error: RelayError): void {
    const ending = this.#readEnding()
    const { complete } = ending
    if (complete) this.#passIncomplete()
    else this.#pass(this.#attempt.protocol.writeStreamError(error))
    this.#output.end()
    this.#end(complete ? 'complete' : 'cut', ending, complete ? undefined : error)
  }

  abandon(): void {
    const ending = this.#readEnding()
    this.drain()
    const end = this.#attemptEnd(ending.complete ? 'complete' : 'left', ending)
    // OpenAI's SDK leaves at the last record since version 7. Aborting would cost each such call its connection to the upstream.
    if (ending.isOver) this.#attempt.onAnswerComplete(end)
    else this.#attempt.onEnd(end)
  }

  drain(): void {
    // What a client has received that leaves at the last record is whole, so the cache can store it.
    if (this.#readEnding().isOver) {
      this.#passIncomplete()
      this.#output.end()
    }
    this.#output.discard()
    this.#attempt.resume()
  }

  #writeRecords(records: Buffer): boolean {
    return this.#isStopped || this.#stopAtMarkedError(records) || this.#pass(records)
  }

  /** Looks for a marked error. If there is one, writes it in the client's protocol and ends the stream. */
  #stopAtMarkedError(records: Buffer): boolean {
    if (!this.#errorMarker) return false
    const { protocol } = this.#attempt
    for (const { start, record } of findMarkedRecords(records, this.#errorMarker)) {
      const { upstreamError } = protocol.readEnding([record])
      if (!upstreamError) continue
      this.#isStopped = true
      this.#incomplete = undefined
      if (start > 0) this.#pass(records.subarray(0, start))
      const ending = this.#readEnding()
      const error = this.#attempt.toRelayError(upstreamError)
      this.#pass(protocol.writeStreamError(error))
      this.#output.end()
      this.#end('failed', ending, error)
      return true
    }
    return false
  }

  #pass(records: Buffer): boolean {
    const bytes = this.#attempt.redact(records)
    this.#size += bytes.length
    this.#tail.push(bytes)
    return this.#output.write(this.#injectedUsage ? dropUsageRecords(bytes, this.#injectedUsage) : bytes)
  }

  /** Completes a last record that lacks only its blank line; clients would drop it. Half a record is dropped. */
  #passIncomplete(): void {
    if (!this.#incomplete) return
    const { complete, usage, upstreamError } = this.#read(readRecords(this.#incomplete))
    if (!complete && !usage && !upstreamError) return
    const end = this.#incomplete.at(-1) === LF ? BLANK_LINE.subarray(1) : BLANK_LINE
    this.#pass(Buffer.concat([this.#incomplete, end]))
    this.#incomplete = undefined
  }

  #end(outcome: Outcome, ending: StreamEnding, error?: RelayError): void {
    this.#attempt.onEnd({ ...this.#attemptEnd(outcome, ending), error })
  }

  #attemptEnd(outcome: Outcome, { usage, refused, isPartial, outputLength }: StreamEnding): AttemptEnd {
    const estimate = outputLength === undefined ? this.#estimate : () => estimateTokens(outputLength)
    const isReported = reportsOutput(usage) && !isPartial
    return { outcome, usage, refused, estimate: isReported ? undefined : estimate }
  }

  readonly #estimate = (): number =>
    estimateStream({
      protocol: this.#attempt.protocol,
      size: this.#size,
      preludeChars: this.#prelude.chars,
      last: this.#lastRecords,
      isAll: this.#hasAllRecords,
    })

  /** Reads how the stream ended: from the last records, including one that may lack its blank line. */
  #readEnding(): StreamEnding {
    const last = this.#tail.with(this.#incomplete)
    this.#lastRecords = readRecords(last)
    this.#hasAllRecords = this.#size + (this.#incomplete?.length ?? 0) <= last.length
    return this.#read(this.#lastRecords)
  }

  #read(records: readonly SseRecord[]): StreamEnding {
    return this.#attempt.protocol.readEnding(records.slice(-LAST_RECORDS), this.#prelude.usage)
  }
}
