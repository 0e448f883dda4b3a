import type { ByteSink } from '../../http.js'
import type { StreamFrames } from '../../protocols/protocol.js'

const DISCARD: ByteSink = { write: () => true, end: () => undefined, abort: () => undefined }

/** Writes an answer to the client: buffers until the client's sink is there, and discards after the client has disconnected. */
export class StreamOutput {
  /** The framing, where the client does not want server-sent events. */
  readonly #frames: StreamFrames | undefined
  #sink: ByteSink | undefined
  #pending: Buffer[] = []
  #isEnded = false
  #isAborted = false

  constructor(frames: StreamFrames | undefined) {
    this.#frames = frames
  }

  start(sink: ByteSink): void {
    this.#sink = sink
    for (const bytes of this.#pending) sink.write(bytes)
    this.#pending = []
    if (this.#isAborted) sink.abort()
    else if (this.#isEnded) sink.end()
  }

  /** Returns false to pause the upstream. */
  write(records: Buffer): boolean {
    return this.#send(this.#frames ? this.#frames.frame(records) : records)
  }

  #send(bytes: Buffer): boolean {
    if (bytes.length === 0) return true
    if (this.#sink) return this.#sink.write(bytes)
    this.#pending.push(bytes)
    return true
  }

  end(): void {
    if (this.#frames) this.#send(this.#frames.end())
    this.#isEnded = true
    this.#sink?.end()
  }

  /** Breaks the connection, so that the client does not take the answer for complete. */
  abort(): void {
    this.#isAborted = true
    this.#sink?.abort()
  }

  /** Drops pending bytes and all further ones: the client has disconnected. */
  discard(): void {
    this.#sink = DISCARD
    this.#pending = []
  }
}
