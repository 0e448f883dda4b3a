import type { Emit } from '../../../chat/events.js'
import { invalidAnswer, type UpstreamError } from '../../../chat/upstream-error.js'
import type { SseRecord } from '../../../lib/sse.js'
import { isObject, parseJson } from '../../../lib/values.js'
import type { ReadOptions, StreamReader } from '../../protocol.js'
import { choiceError } from '../answer/choices.js'
import { findUsage } from '../answer/usage.js'
import { findError } from '../errors.js'
import { isDone, isKeepAlive } from '../passthrough.js'
import { ChoiceReader } from './read-choice.js'
import type { StreamCounters } from './read-tool-calls.js'

/** OpenAI's limit for `n`. */
const MAX_CHOICES = 128

/** Reads a stream of chunks, also with the deviations of other vendors. */
export class ChunkReader implements StreamReader {
  state: StreamReader['state'] = 'open'
  readonly #counters: StreamCounters
  readonly #choices: (ChoiceReader | undefined)[] = []
  #isStarted = false

  constructor({ id }: ReadOptions) {
    this.#counters = { id, blocks: 0, calls: 0 }
  }

  read({ data, event }: SseRecord, emit: Emit): void {
    if (this.state === 'over') return
    if (isDone(data)) return this.#end(emit)
    const chunk = parseJson(data)
    if (!isObject(chunk)) {
      return isKeepAlive(data) ? undefined : this.#fail(invalidAnswer('a stream record that is not JSON'), emit)
    }
    const upstreamError = findError(chunk, event)
    if (upstreamError) return this.#fail(upstreamError, emit)
    const { choices } = chunk
    const isChunk = Array.isArray(choices) && choices.length > 0
    const usage = findUsage(chunk)
    if (!this.#isStarted && (isChunk || usage)) this.#start(chunk, emit)
    if (isChunk) this.#readChoices(choices, emit)
    if (usage && this.#hasNotFailed()) emit({ type: 'usage', usage })
  }

  /** A method, because the compiler does not see that the calls before it change `state`. */
  #hasNotFailed(): boolean {
    return this.state !== 'over'
  }

  /** The first chunk with a choice or usage starts the answer: Azure's first chunk has no choice, id or model. */
  #start({ id, model }: Record<string, unknown>, emit: Emit): void {
    this.#isStarted = true
    emit({
      type: 'start',
      id: typeof id === 'string' && id !== '' ? id : undefined,
      model: typeof model === 'string' && model !== '' ? model : undefined,
    })
  }

  #readChoices(choices: readonly unknown[], emit: Emit): void {
    for (const value of choices) {
      if (!isObject(value)) continue
      const error = choiceError(value)
      if (error) return this.#fail(error, emit)
      this.#choice(value.index).read(value, emit)
    }
    this.state = this.#isComplete() ? 'complete' : 'open'
  }

  /** Whether every choice so far has finished. The provider may send fewer choices than the request asks for. */
  #isComplete(): boolean {
    let seen = 0
    for (const choice of this.#choices) {
      if (choice && !choice.isFinished) return false
      if (choice) seen++
    }
    return seen > 0
  }

  #choice(index: unknown): ChoiceReader {
    const isValid = typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < MAX_CHOICES
    const position = isValid ? index : 0
    const existing = this.#choices[position]
    if (existing) return existing
    const choice = new ChoiceReader(position, this.#counters)
    this.#choices[position] = choice
    return choice
  }

  #end(emit: Emit): void {
    if (this.#choices.length === 0) return this.#fail(invalidAnswer('an empty answer'), emit)
    this.state = 'over'
    this.#choices.forEach((choice) => {
      choice?.finish(undefined, emit)
    })
  }

  #fail(upstreamError: UpstreamError, emit: Emit): void {
    if (!this.#isStarted) this.#start({}, emit)
    this.state = 'over'
    emit({ type: 'error', upstreamError })
  }
}
