import type { ByteStream } from '../../http.js'
import { RecordGatherer, readRecords } from '../../lib/sse.js'
import type { ResponseStorage, StorableResponse } from '../../protocols/protocol.js'
import { MemoryStore } from '../../stores/memory.js'

/** An answer, or one item of one. */
export interface StoredResponse {
  /** Undefined for an item. */
  readonly answer: string | undefined
  /** A JSON array: the conversation up to and with it, or the item. */
  readonly items: string
}

/** Answers that callers may refer to later: in memory, bounded, each for its own tenant. */
export class StoredResponses {
  readonly #kept: MemoryStore<StoredResponse>

  constructor({ maxBytes, seconds }: { readonly maxBytes: number; readonly seconds: number }) {
    const bounds = { maxBytes, ms: seconds * 1000 }
    this.#kept = new MemoryStore(bounds, ({ answer = '', items }) => answer.length + items.length)
  }

  find(tenant: string, id: string): StoredResponse | undefined {
    return this.#kept.get(tenant, id)
  }

  delete(tenant: string, id: string): void {
    this.#kept.delete(tenant, id)
  }

  store(tenant: string, { id, answer, items, parts }: StorableResponse): void {
    this.#kept.set(tenant, id, { answer, items })
    for (const part of parts) this.#kept.set(tenant, part.id, { answer: undefined, items: `[${part.item}]` })
  }
}

/** The same stream, and the whole answer that one of its records holds. */
export function watchStream(stream: ByteStream, recall: ResponseStorage, found: (answer: Buffer) => void): ByteStream {
  const gatherer = new RecordGatherer()
  const look = (records: Buffer): void => {
    for (const record of records.length > 0 ? readRecords(records) : []) {
      const answer = recall.finalAnswer(record)
      if (answer) found(answer)
    }
  }
  return {
    start(sink) {
      stream.start({
        write(bytes) {
          look(gatherer.push(bytes))
          return sink.write(bytes)
        },
        end() {
          look(gatherer.rest())
          sink.end()
        },
        abort: () => sink.abort(),
      })
    },
    resume: () => stream.resume(),
  }
}
