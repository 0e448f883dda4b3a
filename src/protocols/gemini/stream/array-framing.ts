import { RecordGatherer, readRecords } from '../../../lib/sse.js'
import type { StreamFrames, StreamFraming } from '../../protocol.js'

/** Frames a stream as one JSON array. Clients get it without `alt=sse`. */
export const framing: StreamFraming = {
  contentType: 'application/json; charset=utf-8',
  begin: () => new ArrayFrames(),
}

class ArrayFrames implements StreamFrames {
  readonly #records = new RecordGatherer()
  #hasBegun = false

  frame(records: Buffer): Buffer {
    return Buffer.from(this.#elements(this.#records.push(records)))
  }

  end(): Buffer {
    const last = this.#elements(this.#records.rest())
    return Buffer.from(`${last}${this.#hasBegun ? '\n]\n' : '[]\n'}`)
  }

  #elements(records: Buffer): string {
    let text = ''
    for (const { data } of records.length > 0 ? readRecords(records) : []) {
      text += (this.#hasBegun ? ',\r\n' : '[') + data
      this.#hasBegun = true
    }
    return text
  }
}
