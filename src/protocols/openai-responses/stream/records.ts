/** The records of a stream, numbered from 0. */
export class Records {
  #sequence = 0
  #text = ''
  readonly #wanted: boolean

  /** Of a whole answer the records are not wanted. */
  constructor(wanted: boolean) {
    this.#wanted = wanted
  }

  push(type: string, fields: object): void {
    if (!this.#wanted) return
    const data = JSON.stringify({ type, ...fields, sequence_number: this.#sequence++ })
    this.#text += `event: ${type}\ndata: ${data}\n\n`
  }

  /** A record of which all but the text is at hand: see {@link headOf}. */
  grow(head: string, text: string): void {
    if (this.#wanted) this.#text += `${head}${JSON.stringify(text)},"sequence_number":${this.#sequence++}}\n\n`
  }

  /** The number of the next record. */
  get next(): number {
    return this.#sequence
  }

  /** What has been written since this was asked last. */
  take(): string {
    const text = this.#text
    this.#text = ''
    return text
  }
}

/** The beginning of all the records that bring one part more text, up to that text. */
export function headOf(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields }).slice(0, -1)},"delta":`
}
