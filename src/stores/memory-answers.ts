import type { AnswerStore, StoredAnswer } from './answers.js'
import { type Bounds, MemoryStore } from './memory.js'

/** What a stored answer costs beside its bytes and texts. */
const PIECE_BYTES = 100

/** Answers in this process's memory: the longest unused go first. */
export class MemoryAnswers implements AnswerStore {
  readonly #answers: MemoryStore<StoredAnswer>

  constructor(bounds: Bounds) {
    // The store counts characters, of two bytes each.
    this.#answers = new MemoryStore(bounds, (answer) => bytesOf(answer) / 2)
  }

  get(key: string): StoredAnswer | undefined {
    return this.#answers.get('', key)
  }

  set(key: string, answer: StoredAnswer): void {
    this.#answers.set('', key, answer)
  }
}

function bytesOf({ pieces }: StoredAnswer): number {
  return pieces.reduce((sum, { length }) => sum + length + PIECE_BYTES, 0)
}
