import type { ChatEvent } from '../chat/events.js'
import type { RelayError } from '../errors.js'
import type { StreamWriter } from '../protocols/protocol.js'

/** `data: …` and a blank line: how a writer frames what stands alone here. */
const RECORD = /^data: (.*)\n\n/gm

/** The records of a stream as the elements of one JSON array that grows. */
export class ArrayFraming implements StreamWriter {
  readonly #writer: StreamWriter
  #begun = false

  constructor(writer: StreamWriter) {
    this.#writer = writer
  }

  write(event: ChatEvent): string {
    return this.#frame(this.#writer.write(event))
  }

  end(): string {
    return this.#frame(this.#writer.end()) + (this.#begun ? '\n]\n' : '[]\n')
  }

  fail(error: RelayError): string {
    return `${this.#frame(this.#writer.fail(error))}\n]\n`
  }

  #frame(records: string): string {
    return records.replace(RECORD, (_record, json: string) => {
      const before = this.#begun ? ',\r\n' : '['
      this.#begun = true
      return before + json
    })
  }
}
