import type { ByteStream } from '../../http.js'
import { RecordGatherer, readRecords } from '../../lib/sse.js'
import type { ResponseStorage, StorableResponse } from '../../protocols/response-storage.js'
import { TenantMap } from '../../stores/memory/bounded-map.js'

/** A stored answer, or one item of an answer. */
export interface StoredResponse {
  /** Undefined for an item. */
  readonly answer: string | undefined
  /** A JSON array: the conversation including the answer, or the item. */
  readonly items: string
}

/** Stores answers that callers may refer to later: in memory, bounded, each caller's apart from the others'. */
export class StoredResponses {
  readonly #store: TenantMap<StoredResponse>

  constructor({ maxBytes, seconds }: { readonly maxBytes: number; readonly seconds: number }) {
    const bounds = { maxBytes, ttlMs: seconds * 1000 }
    this.#store = new TenantMap(bounds, ({ answer = '', items }) => answer.length + items.length)
  }

  find(callerId: string, id: string): StoredResponse | undefined {
    return this.#store.get(callerId, id)
  }

  delete(callerId: string, id: string): void {
    this.#store.delete(callerId, id)
  }

  store(callerId: string, { id, answer, items, parts }: StorableResponse): void {
    this.#store.set(callerId, id, { answer, items })
    for (const part of parts) this.#store.set(callerId, part.id, { answer: undefined, items: `[${part.item}]` })
  }
}

/** Returns the same stream. Calls back with the whole answer, which one of its records holds. */
export function watchStream(
  stream: ByteStream,
  storage: ResponseStorage,
  onAnswer: (answer: Buffer) => void,
): ByteStream {
  const gatherer = new RecordGatherer()
  const inspect = (records: Buffer): void => {
    for (const record of records.length > 0 ? readRecords(records) : []) {
      const answer = storage.finalAnswer(record)
      if (answer) onAnswer(answer)
    }
  }
  return {
    start(sink) {
      stream.start({
        write(bytes) {
          inspect(gatherer.push(bytes))
          return sink.write(bytes)
        },
        end() {
          inspect(gatherer.rest())
          sink.end()
        },
        abort: () => sink.abort(),
      })
    },
    resume: () => stream.resume(),
  }
}
