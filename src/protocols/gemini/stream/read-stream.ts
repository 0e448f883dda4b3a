import type { Emit } from '../../../chat/events.js'
import { invalidAnswer, type UpstreamError } from '../../../chat/upstream-error.js'
import type { SseRecord } from '../../../lib/sse.js'
import { isObject, parseJson } from '../../../lib/values.js'
import type { ReadOptions, StreamReader } from '../../protocol.js'
import { Candidate } from '../answer/candidate.js'
import { readBlock } from '../answer/finish-reason.js'
import { readUsage } from '../answer/usage.js'
import { inventId } from '../call-ids.js'
import { readErrorValue } from '../errors.js'

/** Reads the fragments of a stream. A stream has no end mark: it is complete when all candidates have finish reasons. */
export function readStream(options: ReadOptions): StreamReader {
  return new FragmentReader(options)
}

type Fields = Readonly<Record<string, unknown>>

/** Reads the fragments of one answer in order. A whole answer is one fragment. */
export class FragmentReader implements StreamReader {
  readonly #id: string
  readonly #candidates: (Candidate | undefined)[] = []
  readonly #callIds = new Set<string>()
  #started = false
  #failed = false
  #blocked = false
  readonly #usage: Record<string, unknown> = {}
  #blocks = 0
  #invented = 0

  constructor({ id }: ReadOptions) {
    this.#id = id
  }

  get state(): 'open' | 'complete' {
    if (this.#failed) return 'open'
    if (this.#blocked) return 'complete'
    const seen = this.#candidates.filter((candidate) => candidate !== undefined)
    return seen.length > 0 && seen.every(({ finished }) => finished) ? 'complete' : 'open'
  }

  /** Whether a candidate has come, or the reason why there is none. */
  get hasAnswer(): boolean {
    return this.#candidates.length > 0 || this.#blocked
  }

  read({ data }: SseRecord, emit: Emit): void {
    // Some gateways end every stream with OpenAI's `[DONE]`.
    if (data === '[DONE]' || data.trim() === '') return
    const value = parseJson(data)
    for (const fragment of Array.isArray(value) ? value : [value]) this.readFragment(fragment, emit)
  }

  readFragment(fragment: unknown, emit: Emit): void {
    if (this.#failed) return
    if (!isObject(fragment)) return this.#fail(invalidAnswer('a stream record that is not JSON'), emit)
    const upstreamError = fragment.error ? readErrorValue(fragment.error) : undefined
    if (upstreamError) return this.#fail(upstreamError, emit)
    this.#start(fragment, emit)
    this.#readUsage(fragment.usageMetadata, emit)
    if (Array.isArray(fragment.candidates)) {
      for (const candidate of fragment.candidates) if (isObject(candidate)) this.#readCandidate(candidate, emit)
    }
    if (isObject(fragment.promptFeedback)) this.#readFeedback(fragment.promptFeedback, emit)
  }

  /** Ends the candidates of a whole answer that have no finish reason. One without output is an error. */
  end(emit: Emit): void {
    for (const candidate of this.#candidates) {
      if (!candidate || candidate.finished || this.#failed) continue
      const upstreamError = candidate.finish({ finishReason: 'FINISH_REASON_UNSPECIFIED' }, emit)
      if (upstreamError) this.#fail(invalidAnswer('an answer without content'), emit)
    }
  }

  nextBlockIndex(): number {
    return this.#blocks++
  }

  callId(given: unknown): string {
    const isFree = typeof given === 'string' && given !== '' && !this.#callIds.has(given)
    const id = isFree ? given : inventId(this.#id, this.#invented++)
    this.#callIds.add(id)
    return id
  }

  #start({ responseId, modelVersion }: Fields, emit: Emit): void {
    if (this.#started) return
    this.#started = true
    const id = typeof responseId === 'string' && responseId !== '' ? responseId : undefined
    const model = typeof modelVersion === 'string' && modelVersion !== '' ? modelVersion : undefined
    emit({ type: 'start', id, model })
  }

  #readCandidate(fields: Fields, emit: Emit): void {
    const index =
      typeof fields.index === 'number' && fields.index > 0 && fields.index < 64 ? Math.trunc(fields.index) : 0
    let candidate = this.#candidates[index]
    if (!candidate) {
      candidate = new Candidate(index, this)
      this.#candidates[index] = candidate
    }
    const upstreamError = this.#failed ? undefined : candidate.read(fields, emit)
    if (upstreamError) this.#fail(upstreamError, emit)
  }

  #readFeedback(feedback: Fields, emit: Emit): void {
    const finish = readBlock(feedback)
    if (!finish || this.#candidates.length > 0 || this.#blocked) return
    this.#blocked = true
    emit({ type: 'finish', choice: 0, finish })
  }

  /** Merges counts, because a fragment has totals so far but may leave out some of them. */
  #readUsage(value: unknown, emit: Emit): void {
    if (!isObject(value)) return
    Object.assign(this.#usage, value)
    const usage = readUsage(this.#usage)
    if (usage) emit({ type: 'usage', usage })
  }

  #fail(upstreamError: UpstreamError, emit: Emit): void {
    this.#failed = true
    emit({ type: 'error', upstreamError })
  }
}
