import type { UpstreamError } from '../../chat/upstream-error.js'
import type { Usage } from '../../chat/usage.js'
import { RelayError } from '../../errors.js'
import { readRecords, type SseRecord, wholeRecords } from '../../lib/sse.js'
import type { Deadline } from '../../lib/time.js'
import type { AttemptEvents, BodyConsumer, ClientStream } from '../attempt/attempt-events.js'
import { toAnswerError } from '../attempt/failures.js'
import { BufferedBody, MAX_ANSWER_BYTES } from './buffered-body.js'

/** A stream without output is committed after this time, or this many bytes. */
const MAX_BUFFERED_MS = 10_000
const MAX_BUFFERED_BYTES = 64 * 1024
const NO_BYTES = Buffer.alloc(0)

/**
 * Buffers a stream until its commit point: the first real output. Until then a failure, including an error inside a 200,
 * rejects the attempt, and failover can try another channel. At the commit point the buffered bytes go to the client.
 */
export class CommitBuffer implements BodyConsumer, Deadline {
  dueAt: number = Number.POSITIVE_INFINITY
  timerIndex = -1
  readonly #attempt: AttemptEvents
  readonly #buffered: Buffer[] = []
  /** The first part of an incomplete record. */
  #incomplete: Buffer | undefined
  #size = 0
  /** Set when the body is not a stream. */
  #wholeBody: BufferedBody | undefined
  #stream: ClientStream | undefined
  #usage: Usage | undefined
  /** Characters before the first output. */
  #preludeChars = 0

  constructor(attempt: AttemptEvents) {
    this.#attempt = attempt
  }

  write(chunk: Buffer): boolean {
    if (this.dueAt === Number.POSITIVE_INFINITY && !this.#wholeBody) this.#startBuffering(chunk)
    this.#size += chunk.length
    if (this.#wholeBody) return this.#wholeBody.write(chunk)
    this.#buffered.push(chunk)
    const isDecided = this.#commitOrReject(this.#completeRecords(chunk))
    if (!isDecided && this.#size >= MAX_BUFFERED_BYTES) this.#commit()
    return true
  }

  end(): void {
    if (this.#wholeBody) return this.#wholeBody.end()
    // Nothing is committed yet: after an answer that ends in its first record, failover is still possible.
    const records = readRecords(this.#incomplete ?? NO_BYTES)
    const { complete, upstreamError } = this.#attempt.protocol.readEnding(records)
    if ((complete || upstreamError) && this.#commitOrReject(records)) this.#stream?.end()
    else this.fail(new RelayError('upstream_invalid', 'The provider ended its answer before it began.'))
  }

  fail(error: RelayError): void {
    this.#attempt.deadlineTimer.remove(this)
    this.#attempt.reject(error)
  }

  onDeadline(): void {
    try {
      this.#commit()
    } catch (error) {
      ;(this.#stream ?? this).fail(toAnswerError(error))
    }
  }

  #startBuffering(chunk: Buffer): void {
    const first = chunk.toString('latin1', 0, 256).trimStart()[0]
    if (first === undefined) return
    if (first === '{' || first === '[' || first === '<')
      this.#wholeBody = new BufferedBody(MAX_ANSWER_BYTES, (body) => this.#onWholeBody(body))
    else {
      this.dueAt = this.#attempt.deadlineTimer.time + MAX_BUFFERED_MS
      this.#attempt.deadlineTimer.add(this)
    }
  }

  #completeRecords(chunk: Buffer): SseRecord[] {
    const bytes = this.#incomplete ? Buffer.concat([this.#incomplete, chunk]) : chunk
    const end = wholeRecords(bytes)
    this.#incomplete = bytes.subarray(end)
    return readRecords(bytes.subarray(0, end))
  }

  /** Commits or rejects by the next records. Returns true once that is decided. */
  #commitOrReject(records: readonly SseRecord[]): boolean {
    for (const record of records) {
      const kind = this.#attempt.protocol.classifyRecord(record)
      if (kind === 'output') return this.#commit()
      if (kind !== 'prelude' && !('usage' in kind)) return this.#rejectWith(kind)
      if (kind !== 'prelude') this.#usage = kind.usage
      this.#preludeChars += record.data.length
    }
    return false
  }

  #rejectWith(upstreamError: UpstreamError): true {
    this.#attempt.deadlineTimer.remove(this)
    this.#attempt.rejectWith(upstreamError)
    return true
  }

  #commit(): true {
    this.#attempt.deadlineTimer.remove(this)
    const stream = this.#attempt.commit({ usage: this.#usage, chars: this.#preludeChars })
    this.#stream = stream
    for (const chunk of this.#buffered) stream.write(chunk)
    return true
  }

  /** The upstream answers a request for a stream with a whole body; mostly an error inside a 200. */
  #onWholeBody(body: Buffer | undefined): void {
    const upstreamError = body && this.#attempt.protocol.readAnswerFacts(body).upstreamError
    if (upstreamError) this.#attempt.rejectWith(upstreamError)
    else if (body) this.#attempt.commitBuffered(body)
    else this.fail(new RelayError('upstream_invalid', 'The provider did not stream its answer.'))
  }
}
