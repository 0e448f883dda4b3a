/** Collects the records of a stream, and numbers them from 0. */
export class RecordBuffer {
  #sequenceNumber = 0
  #text = ''
  readonly #isEnabled: boolean

  /** `isEnabled`: false for a whole answer, which needs no records. */
  constructor(isEnabled: boolean) {
    this.#isEnabled = isEnabled
  }

  push(type: string, fields: object): void {
    if (!this.#isEnabled) return
    const data = JSON.stringify({ type, ...fields, sequence_number: this.#sequenceNumber++ })
    this.#text += `event: ${type}\ndata: ${data}\n\n`
  }

  /** Adds a delta. `head`: from {@link deltaHead}. */
  pushDelta(head: string, text: string): void {
    if (!this.#isEnabled) return
    this.#text += `${head}${JSON.stringify(text)},"sequence_number":${this.#sequenceNumber++}}\n\n`
  }

  /** Returns the records since the last call. */
  take(): string {
    const text = this.#text
    this.#text = ''
    return text
  }
}

/** The start of all deltas of one part, up to their text. Written once per part, for speed. */
export function deltaHead(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields }).slice(0, -1)},"delta":`
}
