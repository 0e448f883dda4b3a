import type { AnswerStore, CachedAnswer } from './answers.js'
import { BoundedMap, type Bounds } from './memory.js'

/** What a stored answer costs beside its bytes and texts. */
const PIECE_BYTES = 100

/** Answers in this process's memory: the longest unused go first. */
export class MemoryAnswers implements AnswerStore {
  readonly #answers: BoundedMap<CachedAnswer>

  constructor(bounds: Bounds) {
    this.#answers = new BoundedMap(bounds, bytesOf)
  }

  get(key: string): CachedAnswer | undefined {
    return this.#answers.get(key)
  }

  set(key: string, answer: CachedAnswer): void {
    this.#answers.set(key, answer)
  }
}

function bytesOf({ pieces }: CachedAnswer): number {
  return pieces.reduce((sum, { length }) => sum + length + PIECE_BYTES, 0)
}
