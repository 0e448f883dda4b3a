import type { AnswerStore, CachedAnswer } from '../answers.js'
import { BoundedMap, type MemoryBounds } from './bounded-map.js'

/** Estimated bytes of a chunk besides its content. */
const CHUNK_OVERHEAD_BYTES = 100

/** Keeps answers in the memory of this process. When it is full, it drops the least recently used ones. */
export class MemoryAnswerStore implements AnswerStore {
  readonly #answers: BoundedMap<CachedAnswer>

  constructor(bounds: MemoryBounds) {
    this.#answers = new BoundedMap(bounds, bytesOf)
  }

  get(key: string): CachedAnswer | undefined {
    return this.#answers.get(key)
  }

  set(key: string, answer: CachedAnswer): void {
    this.#answers.set(key, answer)
  }
}

function bytesOf({ chunks }: CachedAnswer): number {
  return chunks.reduce((sum, { length }) => sum + length + CHUNK_OVERHEAD_BYTES, 0)
}
