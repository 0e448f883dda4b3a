/** Learns that the client has disconnected. */
export interface DisconnectListener {
  onDisconnect(): void
}

/**
 * Tells whether and when the client disconnects. It has one listener, because a call waits for one thing at a time: the
 * body, a place in a queue, an upstream. An `AbortSignal` would cost 8 µs a request.
 */
export class ClientConnection {
  isClosed = false
  /** Called once, when the client disconnects. Code that waits sets it, and clears it afterwards. */
  listener: DisconnectListener | undefined

  /** Called by the adapter when the client disconnects. */
  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    const { listener } = this
    this.listener = undefined
    listener?.onDisconnect()
  }
}
