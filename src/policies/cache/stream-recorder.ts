import type { ByteSink, ByteStream } from '../../http.js'
import type { ClientConnection } from '../../lib/client-connection.js'
import { now } from '../../lib/time.js'

/** Once recording has stopped, the source pauses for a reader that is this far behind. */
const MAX_LAG_BYTES = 1024 * 1024

/**
 * Records a stream while it arrives, for any number of readers. Each reader starts at the beginning and reads at its own
 * pace. A stream that outgrows `maxBytes` is no longer recorded: current readers get the rest, new ones cannot join.
 */
export class StreamRecorder implements ByteSink {
  /** Called when the paused source may continue. */
  resumeSource: () => void = () => undefined
  readonly #maxBytes: number
  readonly #readers = new Set<RecordingReader>()
  #chunks: Buffer[] = []
  /** When each chunk arrived, in ms since the first. */
  #times: number[] = []
  /** Number of chunks dropped from the front. */
  #dropped = 0
  #bytes = 0
  #startedAt = 0
  #hasEnded = false
  #isAborted = false
  #isSourcePaused = false
  /** The recorder keeps all chunks until it has had its first reader. */
  #hasHadReader = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** True if the stream ended before it was complete. */
  get isAborted(): boolean {
    return this.#isAborted
  }

  /** Whether it can still be read from the beginning. */
  get isWhole(): boolean {
    return this.#dropped === 0 && this.#bytes <= this.#maxBytes
  }

  /** Number of chunks that have arrived. */
  get length(): number {
    return this.#dropped + this.#chunks.length
  }

  write(bytes: Buffer): boolean {
    const time = now()
    if (this.length === 0) this.#startedAt = time
    this.#chunks.push(bytes)
    this.#times.push(Math.round(time - this.#startedAt))
    this.#bytes += bytes.length
    for (const reader of this.#readers) reader.pump()
    if (this.isWhole) return true
    this.#dropRead()
    this.#isSourcePaused = this.#heldBytes() > MAX_LAG_BYTES
    return !this.#isSourcePaused
  }

  abort(): void {
    this.#isAborted = true
    this.end()
  }

  end(): void {
    this.#hasEnded = true
    for (const reader of this.#readers) reader.pump()
  }

  /** Adds a reader. `onDone` is called once, when it has read the stream to the end. */
  read(onDone: () => void): RecordingReader {
    const reader = new RecordingReader(this, onDone)
    this.#readers.add(reader)
    this.#hasHadReader = true
    return reader
  }

  /** The chunk at an index; undefined where it has not arrived yet. */
  chunkAt(index: number): Buffer | undefined {
    return this.#chunks[index - this.#dropped]
  }

  /** Called by a reader after it has read further or stopped. */
  onProgress(reader: RecordingReader): void {
    if (reader.isOver) this.#readers.delete(reader)
    if (!this.#isSourcePaused) return
    this.#dropRead()
    if (this.#heldBytes() > MAX_LAG_BYTES) return
    this.#isSourcePaused = false
    this.resumeSource()
  }

  /** Copies the whole recording into memory of its own: each chunk may pin a much larger read buffer. */
  copy(): { chunks: Buffer[]; times: number[] } {
    const whole = Buffer.concat(this.#chunks, this.#bytes)
    let end = 0
    const chunks = this.#chunks.map(({ length }) => {
      end += length
      return whole.subarray(end - length, end)
    })
    return { chunks, times: this.#times }
  }

  /** Drops the chunks that all readers have read. */
  #dropRead(): void {
    if (!this.#hasHadReader) return
    let slowest = this.length
    for (const { index } of this.#readers) slowest = Math.min(slowest, index)
    const count = slowest - this.#dropped
    if (count <= 0) return
    this.#chunks.splice(0, count)
    this.#times = []
    this.#dropped = slowest
  }

  #heldBytes(): number {
    return this.#chunks.reduce((sum, { length }) => sum + length, 0)
  }
}

/** One reader of a recording. */
export class RecordingReader implements ByteStream {
  /** Index of the next chunk to read. */
  index = 0
  isOver = false
  readonly #recording: StreamRecorder
  readonly #onDone: () => void
  #sink: ByteSink | undefined
  #isPaused = false

  constructor(recording: StreamRecorder, onDone: () => void) {
    this.#recording = recording
    this.#onDone = onDone
  }

  start(sink: ByteSink): void {
    this.#sink = sink
    this.pump()
  }

  resume(): void {
    this.#isPaused = false
    this.pump()
  }

  stop(): void {
    this.isOver = true
    this.#recording.onProgress(this)
  }

  /** Writes what has arrived, until the sink pauses. */
  pump(): void {
    const sink = this.#sink
    if (!sink || this.isOver) return
    const before = this.index
    for (let chunk = this.#next(); chunk; chunk = this.#next()) {
      this.index++
      this.#isPaused = !sink.write(chunk)
    }
    const isDone = !this.#isPaused && this.#recording.hasEnded && this.index === this.#recording.length
    if (isDone) this.isOver = true
    if (isDone || this.index > before) this.#recording.onProgress(this)
    if (!isDone) return
    if (this.#recording.isAborted) sink.abort()
    else sink.end()
    this.#onDone()
  }

  #next(): Buffer | undefined {
    return this.#isPaused || this.isOver ? undefined : this.#recording.chunkAt(this.index)
  }
}

/** Reads a recording for a client. `onOver` is called once: when all is read, or when the client disconnects. */
export function readForClient(
  client: ClientConnection,
  recording: StreamRecorder,
  onOver: (hasLeft: boolean) => void,
): RecordingReader {
  const reader = recording.read(() => {
    client.listener = undefined
    onOver(false)
  })
  const onDisconnect = (): void => {
    reader.stop()
    onOver(true)
  }
  if (client.isClosed) onDisconnect()
  else client.listener = { onDisconnect }
  return reader
}
