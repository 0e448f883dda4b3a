import type { Emit } from '../../chat/events.js'
import { invalidAnswer, type UpstreamError } from '../../chat/upstream-error.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { ReadOptions, StreamReader } from '../protocol.js'
import { brokenOff } from './choices.js'
import { faultIn } from './errors.js'
import { ChoiceReader, type Numbering } from './read-choice.js'
import { isDone, isKeepAlive } from './stream.js'
import { findUsage } from './usage.js'

/** More choices than anyone may ask for. */
const MOST_CHOICES = 128

/** Reads a stream of chunks, of OpenAI or of those who almost write it so. */
export class ChunkReader implements StreamReader {
  state: StreamReader['state'] = 'open'
  readonly #numbering: Numbering
  readonly #choices: (ChoiceReader | undefined)[] = []
  #isStarted = false

  constructor({ id }: ReadOptions) {
    this.#numbering = { id, blocks: 0, calls: 0 }
  }

  read({ data, event }: SseRecord, emit: Emit): void {
    if (this.state === 'over') return
    if (isDone(data)) return this.#end(emit)
    const chunk = parseJson(data)
    if (!isObject(chunk)) {
      return isKeepAlive(data) ? undefined : this.#fail(invalidAnswer('a stream record that is not JSON'), emit)
    }
    const upstreamError = faultIn(chunk, event)
    if (upstreamError) return this.#fail(upstreamError, emit)
    const { choices } = chunk
    const isChunk = Array.isArray(choices) && choices.length > 0
    const usage = findUsage(chunk)
    if (!this.#isStarted && (isChunk || usage)) this.#start(chunk, emit)
    if (isChunk) this.#readChoices(choices, emit)
    if (usage && this.#isLive()) emit({ type: 'usage', usage })
  }

  /** Not after a failure. */
  #isLive(): boolean {
    return this.state !== 'over'
  }

  /** Azure's first chunk has neither id nor model, nor any choice: the first that has one begins the answer. */
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
      const broken = brokenOff(value)
      if (broken) return this.#fail(broken, emit)
      this.#choice(value.index).read(value, emit)
    }
    this.state = this.#isComplete() ? 'complete' : 'open'
  }

  /** All that have been seen have finished; fewer than were asked for is the provider's to decide. */
  #isComplete(): boolean {
    let seen = 0
    for (const choice of this.#choices) {
      if (choice && !choice.isFinished) return false
      if (choice) seen++
    }
    return seen > 0
  }

  #choice(index: unknown): ChoiceReader {
    const isSane = typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < MOST_CHOICES
    const at = isSane ? index : 0
    const known = this.#choices[at]
    if (known) return known
    const choice = new ChoiceReader(at, this.#numbering)
    this.#choices[at] = choice
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
