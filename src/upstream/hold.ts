import type { Fault } from '../chat/fault.js'
import type { Usage } from '../chat/usage.js'
import { RelayError } from '../errors.js'
import { readRecords, type SseRecord, wholeRecords } from '../lib/sse.js'
import type { Waiting } from '../lib/time.js'
import { unreadable } from './failures.js'
import { type Answering, type Intake, LONGEST_ANSWER, Whole } from './intake.js'
import type { Outflow } from './outlet.js'

/** So long, and so much, is held back for an upstream that has begun to speak but not yet to answer. */
const HOLD_MS = 10_000
const HOLD_BYTES = 64 * 1024
const NOTHING = Buffer.alloc(0)

/**
 * Holds a stream back until its first real output: up to there a failure, also one told under status 200, can still be
 * mended by another upstream. The held bytes then go on as they came.
 */
export class Hold implements Intake, Waiting {
  deadline: number = Number.POSITIVE_INFINITY
  alarmIndex = -1
  readonly #exchange: Answering
  readonly #held: Buffer[] = []
  /** The beginning of a record whose end has not come. */
  #carry: Buffer | undefined
  #size = 0
  /** Set when the bytes turn out not to be a stream at all. */
  #whole: Whole | undefined
  #flow: Outflow | undefined
  #usage: Usage | undefined
  /** Characters that came before the first output. */
  #preamble = 0

  constructor(exchange: Answering) {
    this.#exchange = exchange
  }

  take(chunk: Buffer): boolean {
    if (this.deadline === Number.POSITIVE_INFINITY && !this.#whole) this.#begin(chunk)
    this.#size += chunk.length
    if (this.#whole) return this.#whole.take(chunk)
    this.#held.push(chunk)
    return this.#weigh(this.#read(chunk)) || this.#size < HOLD_BYTES || this.#commit()
  }

  end(): void {
    if (this.#whole) return this.#whole.end()
    // Nothing has gone out yet: an answer that breaks off in its first record can still be mended.
    const records = readRecords(this.#carry ?? NOTHING)
    const { complete, fault } = this.#exchange.protocol.readEnding(records)
    if ((complete || fault) && this.#weigh(records)) this.#flow?.end()
    else this.fail(new RelayError('upstream_invalid', 'The provider ended its answer before it began.'))
  }

  fail(error: RelayError): void {
    this.#exchange.alarms.remove(this)
    this.#exchange.refuse(error)
  }

  /** It has been held long enough. */
  ring(): void {
    try {
      this.#commit()
    } catch (error) {
      ;(this.#flow ?? this).fail(unreadable(error))
    }
  }

  #begin(chunk: Buffer): void {
    const first = chunk.toString('latin1', 0, 256).trimStart()[0]
    if (first === undefined) return
    if (first === '{' || first === '[' || first === '<')
      this.#whole = new Whole(LONGEST_ANSWER, (body) => this.#unstreamed(body))
    else {
      this.deadline = this.#exchange.alarms.time + HOLD_MS
      this.#exchange.alarms.add(this)
    }
  }

  #read(chunk: Buffer): SseRecord[] {
    const bytes = this.#carry ? Buffer.concat([this.#carry, chunk]) : chunk
    const whole = wholeRecords(bytes)
    this.#carry = bytes.subarray(whole)
    return readRecords(bytes.subarray(0, whole))
  }

  /** True once the records have decided it. */
  #weigh(records: readonly SseRecord[]): boolean {
    for (const record of records) {
      const sign = this.#exchange.protocol.readSign(record)
      if (sign === 'output') return this.#commit()
      if (sign !== 'preamble' && !('usage' in sign)) return this.#doubt(sign)
      if (sign !== 'preamble') this.#usage = sign.usage
      this.#preamble += record.data.length
    }
    return false
  }

  #doubt(fault: Fault): true {
    this.#exchange.alarms.remove(this)
    this.#exchange.doubt(fault)
    return true
  }

  #commit(): true {
    this.#exchange.alarms.remove(this)
    const flow = this.#exchange.commit({ usage: this.#usage, size: this.#preamble })
    this.#flow = flow
    for (const chunk of this.#held) flow.take(chunk)
    return true
  }

  /** A stream was asked for, and something whole came: an error that kept its status to itself, most often. */
  #unstreamed(body: Buffer | undefined): void {
    const fault = body && this.#exchange.protocol.readAnswerFacts(body).fault
    if (fault) this.#exchange.doubt(fault)
    else if (body) this.#exchange.commitWhole(body)
    else this.fail(new RelayError('upstream_invalid', 'The provider did not stream its answer.'))
  }
}
