import type { UpstreamError } from '../../chat/upstream-error.js'
import type { Usage } from '../../chat/usage.js'
import { RelayError } from '../../errors.js'
import { readRecords, type SseRecord, wholeRecords } from '../../lib/sse.js'
import type { Deadline } from '../../lib/time.js'
import { type AttemptEvents, type BodyConsumer, BufferedBody, MAX_ANSWER_BYTES } from '../attempt/attempt-events.js'
import { unreadable } from '../attempt/failures.js'
import type { ClientStream } from './stream-output.js'

/** So long, and so much, is held back for an upstream that has begun to speak but not yet to answer. */
const HOLD_MS = 10_000
const HOLD_BYTES = 64 * 1024
const NOTHING = Buffer.alloc(0)

/**
 * Holds a stream back until its first real output: up to there a failure, also one told under status 200, can still be
 * mended by another upstream. The held bytes then go on as they came.
 */
export class CommitBuffer implements BodyConsumer, Deadline {
  dueAt: number = Number.POSITIVE_INFINITY
  timerIndex = -1
  readonly #exchange: AttemptEvents
  readonly #held: Buffer[] = []
  /** The beginning of a record whose end has not come. */
  #carry: Buffer | undefined
  #size = 0
  /** Set when the bytes turn out not to be a stream at all. */
  #whole: BufferedBody | undefined
  #flow: ClientStream | undefined
  #usage: Usage | undefined
  /** Characters that came before the first output. */
  #preludeLength = 0

  constructor(exchange: AttemptEvents) {
    this.#exchange = exchange
  }

  write(chunk: Buffer): boolean {
    if (this.dueAt === Number.POSITIVE_INFINITY && !this.#whole) this.#begin(chunk)
    this.#size += chunk.length
    if (this.#whole) return this.#whole.write(chunk)
    this.#held.push(chunk)
    return this.#inspect(this.#read(chunk)) || this.#size < HOLD_BYTES || this.#commit()
  }

  end(): void {
    if (this.#whole) return this.#whole.end()
    // Nothing has gone out yet: an answer that breaks off in its first record can still be mended.
    const records = readRecords(this.#carry ?? NOTHING)
    const { complete, upstreamError } = this.#exchange.protocol.readEnding(records)
    if ((complete || upstreamError) && this.#inspect(records)) this.#flow?.end()
    else this.fail(new RelayError('upstream_invalid', 'The provider ended its answer before it began.'))
  }

  fail(error: RelayError): void {
    this.#exchange.deadlineTimer.remove(this)
    this.#exchange.reject(error)
  }

  /** It has been held long enough. */
  onDeadline(): void {
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
      this.#whole = new BufferedBody(MAX_ANSWER_BYTES, (body) => this.#unstreamed(body))
    else {
      this.dueAt = this.#exchange.deadlineTimer.time + HOLD_MS
      this.#exchange.deadlineTimer.add(this)
    }
  }

  #read(chunk: Buffer): SseRecord[] {
    const bytes = this.#carry ? Buffer.concat([this.#carry, chunk]) : chunk
    const whole = wholeRecords(bytes)
    this.#carry = bytes.subarray(whole)
    return readRecords(bytes.subarray(0, whole))
  }

  /** True once the records have decided it. */
  #inspect(records: readonly SseRecord[]): boolean {
    for (const record of records) {
      const sign = this.#exchange.protocol.classifyRecord(record)
      if (sign === 'output') return this.#commit()
      if (sign !== 'preamble' && !('usage' in sign)) return this.#rejectWith(sign)
      if (sign !== 'preamble') this.#usage = sign.usage
      this.#preludeLength += record.data.length
    }
    return false
  }

  #rejectWith(upstreamError: UpstreamError): true {
    this.#exchange.deadlineTimer.remove(this)
    this.#exchange.rejectWith(upstreamError)
    return true
  }

  #commit(): true {
    this.#exchange.deadlineTimer.remove(this)
    const flow = this.#exchange.commit({ usage: this.#usage, size: this.#preludeLength })
    this.#flow = flow
    for (const chunk of this.#held) flow.write(chunk)
    return true
  }

  /** A stream was asked for, and something whole came: an error that kept its status to itself, most often. */
  #unstreamed(body: Buffer | undefined): void {
    const upstreamError = body && this.#exchange.protocol.readAnswerFacts(body).upstreamError
    if (upstreamError) this.#exchange.rejectWith(upstreamError)
    else if (body) this.#exchange.commitBuffered(body)
    else this.fail(new RelayError('upstream_invalid', 'The provider did not stream its answer.'))
  }
}
