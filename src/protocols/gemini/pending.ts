import { inventId } from './ids.js'

interface Call {
  readonly id: string
  readonly name: string
}

/** Calls that wait for their results: a result without an id belongs to the first of its name. */
export class Pending {
  #waiting: Call[] = []
  #count = 0

  /** The id of a call. */
  call(name: string, given: string | undefined): string {
    const id = given || this.#invent()
    this.#waiting.push({ id, name })
    return id
  }

  /** The id of the call that a result answers. */
  answer(name: string, given: string | undefined): string {
    const index = this.#waiting.findIndex((call) => (given ? call.id === given : call.name === name))
    const [call] = index < 0 ? [] : this.#waiting.splice(index, 1)
    return call?.id ?? (given || this.#invent())
  }

  #invent(): string {
    return inventId('turn', this.#count++)
  }
}
