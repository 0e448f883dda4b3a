import type { Usage } from '../chat/usage.js'
import { RelayError } from '../errors.js'
import type { ByteSink } from '../http.js'
import { readRecords, wholeRecords } from '../lib/sse.js'
import type { Ending, Frames } from '../protocols/protocol.js'
import type { Answering } from './intake.js'
import { type Outflow, Outlet } from './outlet.js'
import { Tail } from './tail.js'

/** A record that grows beyond this is passed on unfinished: an error after it could not be told cleanly, but memory stays flat. */
const LONGEST_CARRY = 1024 * 1024
/** So many of the last records are read at the end, to see how the stream went. */
const LAST_RECORDS = 8

const LF = 0x0a
const BLANK_LINE = Buffer.from('\n\n')

/** How a stream begins. */
export interface Begun {
  /** The usage that its beginning told of. */
  readonly begun: Usage | undefined
  readonly frames: Frames | undefined
}

/**
 * An answer on its way to the client, byte for byte. Only whole records are passed on, so that when the upstream breaks
 * off in the middle of one, an error can follow that the client can read.
 */
export class Flow implements Outflow {
  readonly #exchange: Answering
  readonly #begun: Usage | undefined
  readonly #outlet: Outlet
  /** The beginning of a record whose end has not come. */
  #carry: Buffer | undefined
  readonly #tail = new Tail()

  constructor(exchange: Answering, { begun, frames }: Begun) {
    this.#outlet = new Outlet(frames)
    this.#exchange = exchange
    this.#begun = begun
  }

  flow(sink: ByteSink): void {
    this.#outlet.flow(sink)
  }

  resume(): void {
    this.#exchange.resume()
  }

  take(chunk: Buffer): boolean {
    const bytes = this.#carry ? Buffer.concat([this.#carry, chunk]) : chunk
    const whole = wholeRecords(bytes)
    if (whole === bytes.length || bytes.length > LONGEST_CARRY) {
      this.#carry = undefined
      return this.#pass(bytes)
    }
    this.#carry = bytes.subarray(whole)
    return whole === 0 || this.#pass(bytes.subarray(0, whole))
  }

  end(): void {
    const ending = this.#ending()
    if (ending.complete || ending.fault) {
      this.#passRest()
      this.#outlet.end()
      this.#exchange.ended({ outcome: ending.complete ? 'complete' : 'failed', usage: ending.usage })
    } else this.fail(new RelayError('upstream_failed', 'The provider ended its answer in the middle.'))
  }

  fail(error: RelayError): void {
    const { complete, usage } = this.#ending()
    if (complete) this.#passRest()
    else this.#pass(this.#exchange.protocol.writeStreamError(error))
    this.#outlet.end()
    this.#exchange.ended({ outcome: complete ? 'complete' : 'cut', usage, error: complete ? undefined : error })
  }

  leave(): void {
    this.drain()
    const { complete, usage } = this.#ending()
    this.#exchange.ended({ outcome: complete ? 'complete' : 'left', usage })
  }

  drain(): void {
    this.#outlet.close()
    this.#exchange.resume()
  }

  #pass(records: Buffer): boolean {
    const bytes = this.#exchange.redact(records)
    this.#tail.push(bytes)
    return this.#outlet.write(bytes)
  }

  /** A last record without its blank line: clients drop what is not closed. Half a record is worth nothing to them. */
  #passRest(): void {
    if (!this.#carry) return
    const { complete, usage, fault } = this.#read(this.#carry)
    if (!complete && !usage && !fault) return
    this.#pass(this.#carry)
    this.#pass(this.#carry.at(-1) === LF ? BLANK_LINE.subarray(1) : BLANK_LINE)
  }

  /** Read at the end only: from the last records, and what may be one that lacks only its closing blank line. */
  #ending(): Ending {
    return this.#read(this.#tail.with(this.#carry))
  }

  #read(bytes: Buffer): Ending {
    return this.#exchange.protocol.readEnding(readRecords(bytes).slice(-LAST_RECORDS), this.#begun)
  }
}
