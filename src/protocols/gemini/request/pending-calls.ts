import { inventId } from '../call-ids.js'

interface Call {
  readonly id: string
  isAnswered: boolean
}

/** Calls in their order; those before `next` are answered. */
interface Queue {
  readonly calls: Call[]
  next: number
}

/** Calls without results so far. A result without an id belongs to the first call with its name. */
export class PendingCalls {
  readonly #byId = new Map<string, Queue>()
  readonly #byName = new Map<string, Queue>()
  #count = 0

  /** Adds a call. Returns its given id, or a new one. */
  call(name: string, given: string | undefined): string {
    const call = { id: given || this.#invent(), isAnswered: false }
    add(this.#byId, call.id, call)
    add(this.#byName, name, call)
    return call.id
  }

  /** Returns the id of the call that a result answers. */
  answer(name: string, given: string | undefined): string {
    const call = take(given ? this.#byId.get(given) : this.#byName.get(name))
    return call?.id ?? (given || this.#invent())
  }

  #invent(): string {
    return inventId('turn', this.#count++)
  }
}

function add(queues: Map<string, Queue>, key: string, call: Call): void {
  const queue = queues.get(key)
  if (queue) queue.calls.push(call)
  else queues.set(key, { calls: [call], next: 0 })
}

/** Takes the first call without a result. */
function take(queue: Queue | undefined): Call | undefined {
  while (queue && queue.next < queue.calls.length) {
    const call = queue.calls[queue.next++]
    if (!call || call.isAnswered) continue
    call.isAnswered = true
    return call
  }
  return undefined
}
