import type { Outcome } from '../../call.js'
import { RelayError } from '../../errors.js'
import type { ByteSink } from '../../http.js'
import { readRecords, wholeRecords } from '../../lib/sse.js'
import type { InjectedUsage, StreamEnding } from '../../protocols/passthrough.js'
import type { StreamFrames } from '../../protocols/protocol.js'
import type { AttemptEvents, StreamPrelude } from '../attempt/attempt-events.js'
import { findMarkedRecords } from './marked-records.js'
import { type ClientStream, StreamOutput } from './stream-output.js'
import { StreamTail } from './stream-tail.js'
import { estimateStream, estimateTokens, reportsOutput } from './token-estimate.js'
import { dropUsageRecords } from './usage-records.js'

/** A record that grows beyond this is passed on unfinished: an error after it could not be told cleanly, but memory stays flat. */
const LONGEST_CARRY = 1024 * 1024
/** So many of the last records are read at the end, to see how the stream went. */
const LAST_RECORDS = 8

const LF = 0x0a
const BLANK_LINE = Buffer.from('\n\n')

/** How a stream begins. */
export interface PassthroughOptions {
  readonly prelude: StreamPrelude
  readonly frames: StreamFrames | undefined
  /** The stream tells of usage, and its caller did not ask. */
  readonly metering: InjectedUsage | undefined
  /** Stands in records that are failures, and that its caller would not know for them. */
  readonly faultMark?: Buffer | undefined
}

/**
 * An answer on its way to the client, byte for byte. Only whole records are passed on, so that when the upstream breaks
 * off in the middle of one, an error can follow that the client can read. Of a metered stream one record is held back.
 */
export class PassthroughStream implements ClientStream {
  readonly #exchange: AttemptEvents
  readonly #preamble: StreamPrelude
  readonly #outlet: StreamOutput
  /** The beginning of a record whose end has not come. */
  #carry: Buffer | undefined
  readonly #tail = new StreamTail()
  readonly #metering: InjectedUsage | undefined
  readonly #faultMark: Buffer | undefined
  /** A failure has been told in its place: nothing follows it. */
  #isStopped = false
  /** How many bytes have come. */
  #size = 0

  constructor(exchange: AttemptEvents, { prelude, frames, metering, faultMark }: PassthroughOptions) {
    this.#metering = metering
    this.#faultMark = faultMark
    this.#outlet = new StreamOutput(frames)
    this.#exchange = exchange
    this.#preamble = prelude
  }

  start(sink: ByteSink): void {
    this.#outlet.flow(sink)
  }

  resume(): void {
    this.#exchange.resume()
  }

  write(chunk: Buffer): boolean {
    const bytes = this.#carry ? Buffer.concat([this.#carry, chunk]) : chunk
    const whole = wholeRecords(bytes)
    if (whole === bytes.length || bytes.length > LONGEST_CARRY) {
      this.#carry = undefined
      return this.#passOn(bytes)
    }
    this.#carry = bytes.subarray(whole)
    return whole === 0 || this.#passOn(bytes.subarray(0, whole))
  }

  end(): void {
    if (this.#isStopped || (this.#carry && this.#stopAt(this.#carry))) return
    const ending = this.#ending()
    if (ending.complete || ending.upstreamError) {
      this.#passRest()
      this.#outlet.end()
      this.#ended(ending.complete ? 'complete' : 'failed', ending)
    } else this.fail(new RelayError('upstream_failed', 'The provider ended its answer in the middle.'))
  }

  fail(error: RelayError): void {
    const ending = this.#ending()
    const { complete } = ending
    if (complete) this.#passRest()
    else this.#pass(this.#exchange.protocol.writeStreamError(error))
    this.#outlet.end()
    this.#ended(complete ? 'complete' : 'cut', ending, complete ? undefined : error)
  }

  abandon(): void {
    this.drain()
    const ending = this.#ending()
    this.#ended(ending.complete ? 'complete' : 'left', ending)
  }

  drain(): void {
    this.#outlet.close()
    this.#exchange.resume()
  }

  #passOn(records: Buffer): boolean {
    return this.#isStopped || this.#stopAt(records) || this.#pass(records)
  }

  /** Whether there is a failure among these records that its caller would not know for one. Then it is told, and all is over. */
  #stopAt(records: Buffer): boolean {
    if (!this.#faultMark) return false
    const { protocol } = this.#exchange
    for (const { start, record } of findMarkedRecords(records, this.#faultMark)) {
      const { upstreamError } = protocol.readEnding([record])
      if (!upstreamError) continue
      this.#isStopped = true
      this.#carry = undefined
      if (start > 0) this.#pass(records.subarray(0, start))
      const ending = this.#ending()
      const error = this.#exchange.toRelayError(upstreamError)
      this.#pass(protocol.writeStreamError(error))
      this.#outlet.end()
      this.#ended('failed', ending, error)
      return true
    }
    return false
  }

  #pass(records: Buffer): boolean {
    const bytes = this.#exchange.redact(records)
    this.#size += bytes.length
    this.#tail.push(bytes)
    return this.#outlet.write(this.#metering ? dropUsageRecords(bytes, this.#metering) : bytes)
  }

  /** A last record without its blank line: clients drop what is not closed. Half a record is worth nothing to them. */
  #passRest(): void {
    if (!this.#carry) return
    const { complete, usage, upstreamError } = this.#read(this.#carry)
    if (!complete && !usage && !upstreamError) return
    const end = this.#carry.at(-1) === LF ? BLANK_LINE.subarray(1) : BLANK_LINE
    this.#pass(Buffer.concat([this.#carry, end]))
    this.#carry = undefined
  }

  #ended(outcome: Outcome, { usage, refused, isPartial, outputLength }: StreamEnding, error?: RelayError): void {
    const estimate = outputLength === undefined ? this.#estimate : () => estimateTokens(outputLength)
    const isTold = reportsOutput(usage) && !isPartial
    this.#exchange.onEnd({ outcome, usage, refused, error, estimate: isTold ? undefined : estimate })
  }

  readonly #estimate = (): number => {
    const last = this.#tail.with(this.#carry)
    return estimateStream({
      protocol: this.#exchange.protocol,
      size: this.#size,
      preludeLength: this.#preamble.size,
      last,
    })
  }

  /** Read at the end only: from the last records, and what may be one that lacks only its closing blank line. */
  #ending(): StreamEnding {
    return this.#read(this.#tail.with(this.#carry))
  }

  #read(bytes: Buffer): StreamEnding {
    return this.#exchange.protocol.readEnding(readRecords(bytes).slice(-LAST_RECORDS), this.#preamble.usage)
  }
}
