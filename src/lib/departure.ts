/** Whoever waits for something on the client's behalf. */
export interface Waiter {
  clientLeft(): void
}

/**
 * Tells that the client has left. It has one slot for a waiter, since a call waits for one thing at a time: the body, a
 * place in a queue, an upstream. (An `AbortSignal` says the same for 8 µs a request; this costs a field.)
 */
export class Departure {
  left = false
  /** Called once, at the moment the client leaves. Whoever does the waiting sets it, and clears it when done. */
  waiter: Waiter | undefined

  leave(): void {
    if (this.left) return
    this.left = true
    const { waiter } = this
    this.waiter = undefined
    waiter?.clientLeft()
  }
}
