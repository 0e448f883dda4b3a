import type { ByteSink, ByteStream } from '../../http.js'
import type { ClientConnection } from '../../lib/client-connection.js'
import { now } from '../../lib/time.js'

/** When no more is recorded, the source waits for a reader that is so far behind. */
const LONGEST_LAG = 1024 * 1024

/**
 * A streamed answer while it comes, for any number of readers: each begins at its beginning, and goes at its own pace.
 * What outgrows `maxBytes` is no longer recorded: it is there for those who read already, and held for them only.
 */
export class StreamRecorder implements ByteSink {
  /** Called when the source may go on. */
  resumeSource: () => void = () => undefined
  readonly #maxBytes: number
  readonly #readers = new Set<RecordingReader>()
  #pieces: Buffer[] = []
  #times: number[] = []
  /** How many pieces have been let go of at the front. */
  #gone = 0
  #bytes = 0
  #begunAt = 0
  #hasEnded = false
  #isCut = false
  #isWaiting = false
  /** Somebody has begun to read: until then nothing is let go of, for it is for them. */
  #isRead = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** It has ended before its end. */
  get isCut(): boolean {
    return this.#isCut
  }

  /** False once it has outgrown its bounds: it cannot be read from its beginning any more. */
  get isWhole(): boolean {
    return this.#gone === 0 && this.#bytes <= this.#maxBytes
  }

  /** Number of pieces that have come. */
  get length(): number {
    return this.#gone + this.#pieces.length
  }

  write(bytes: Buffer): boolean {
    const time = now()
    if (this.length === 0) this.#begunAt = time
    this.#pieces.push(bytes)
    this.#times.push(Math.round(time - this.#begunAt))
    this.#bytes += bytes.length
    for (const reader of this.#readers) reader.pump()
    if (this.isWhole) return true
    this.#letGo()
    this.#isWaiting = this.#heldBytes() > LONGEST_LAG
    return !this.#isWaiting
  }

  abort(): void {
    this.#isCut = true
    this.end()
  }

  end(): void {
    this.#hasEnded = true
    for (const reader of this.#readers) reader.pump()
  }

  /** `done` is called once, when all has been read to the end. */
  read(done: () => void): RecordingReader {
    const reader = new RecordingReader(this, done)
    this.#readers.add(reader)
    this.#isRead = true
    return reader
  }

  /** The piece at a place; undefined where none has come yet. */
  at(index: number): Buffer | undefined {
    return this.#pieces[index - this.#gone]
  }

  /** A reader has gone on, or away. */
  moved(reader: RecordingReader): void {
    if (reader.isOver) this.#readers.delete(reader)
    if (!this.#isWaiting) return
    this.#letGo()
    if (this.#heldBytes() > LONGEST_LAG) return
    this.#isWaiting = false
    this.resumeSource()
  }

  /** All of it, in memory of its own: the pieces as they came may each pin far more than they hold. */
  copy(): { pieces: Buffer[]; times: number[] } {
    const whole = Buffer.concat(this.#pieces, this.#bytes)
    let at = 0
    const pieces = this.#pieces.map(({ length }) => {
      at += length
      return whole.subarray(at - length, at)
    })
    return { pieces, times: this.#times }
  }

  #letGo(): void {
    if (!this.#isRead) return
    let slowest = this.length
    for (const { index } of this.#readers) slowest = Math.min(slowest, index)
    const count = slowest - this.#gone
    if (count <= 0) return
    this.#pieces.splice(0, count)
    this.#times = []
    this.#gone = slowest
  }

  #heldBytes(): number {
    return this.#pieces.reduce((sum, { length }) => sum + length, 0)
  }
}

/** One reader of a recording. */
export class RecordingReader implements ByteStream {
  /** The piece that is next. */
  index = 0
  isOver = false
  readonly #recording: StreamRecorder
  readonly #done: () => void
  #sink: ByteSink | undefined
  #isPaused = false

  constructor(recording: StreamRecorder, done: () => void) {
    this.#recording = recording
    this.#done = done
  }

  start(sink: ByteSink): void {
    this.#sink = sink
    this.pump()
  }

  resume(): void {
    this.#isPaused = false
    this.pump()
  }

  /** It reads no more. */
  stop(): void {
    this.isOver = true
    this.#recording.moved(this)
  }

  /** Gives on what has come, as far as it is wanted. */
  pump(): void {
    const sink = this.#sink
    if (!sink || this.isOver) return
    const before = this.index
    for (let piece = this.#next(); piece; piece = this.#next()) {
      this.index++
      this.#isPaused = !sink.write(piece)
    }
    const isDone = !this.#isPaused && this.#recording.hasEnded && this.index === this.#recording.length
    if (isDone) this.isOver = true
    if (isDone || this.index > before) this.#recording.moved(this)
    if (!isDone) return
    if (this.#recording.isCut) sink.abort()
    else sink.end()
    this.#done()
  }

  #next(): Buffer | undefined {
    return this.#isPaused || this.isOver ? undefined : this.#recording.at(this.index)
  }
}

/** Reads a recording for a client. `over` is called once: when all has been read, or when the client has left. */
export function readForClient(
  client: ClientConnection,
  recording: StreamRecorder,
  over: (hasLeft: boolean) => void,
): RecordingReader {
  const reader = recording.read(() => {
    client.listener = undefined
    over(false)
  })
  const clientLeft = (): void => {
    reader.stop()
    over(true)
  }
  if (client.isClosed) clientLeft()
  else client.listener = { onDisconnect: clientLeft }
  return reader
}
