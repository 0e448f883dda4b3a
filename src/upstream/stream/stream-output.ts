import type { ByteSink, ByteStream } from '../../http.js'
import type { StreamFrames } from '../../protocols/protocol.js'
import type { BodyConsumer } from '../attempt/attempt-events.js'

/** A committed answer on its way to the client. */
export interface ClientStream extends BodyConsumer, ByteStream {
  /** The client has left, and nobody wants the rest. */
  abandon(): void
  /** The client has left, but the rest is read for what it says of usage. */
  drain(): void
}

const NOWHERE: ByteSink = { write: () => true, end: () => undefined, abort: () => undefined }

/** The way out of an answer: remembers what came before anyone took it, and drops what nobody takes any more. */
export class StreamOutput {
  /** How the records are framed, where the caller does not want server-sent events. */
  readonly #frames: StreamFrames | undefined
  #sink: ByteSink | undefined
  #early: Buffer[] = []
  #ended = false
  #isCut = false

  constructor(frames: StreamFrames | undefined) {
    this.#frames = frames
  }

  flow(sink: ByteSink): void {
    this.#sink = sink
    for (const bytes of this.#early) sink.write(bytes)
    this.#early = []
    if (this.#isCut) sink.abort()
    else if (this.#ended) sink.end()
  }

  /** False asks for a pause. */
  write(records: Buffer): boolean {
    return this.#send(this.#frames ? this.#frames.frame(records) : records)
  }

  #send(bytes: Buffer): boolean {
    if (bytes.length === 0) return true
    if (this.#sink) return this.#sink.write(bytes)
    this.#early.push(bytes)
    return true
  }

  end(): void {
    if (this.#frames) this.#send(this.#frames.end())
    this.#ended = true
    this.#sink?.end()
  }

  /** The rest will not come. */
  cut(): void {
    this.#isCut = true
    this.#sink?.abort()
  }

  /** Whatever comes now is for nobody. */
  close(): void {
    this.#sink = NOWHERE
    this.#early = []
  }
}
