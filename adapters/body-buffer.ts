import type { ByteChunks } from '../src/index.js'

/** Shorter bodies are joined at the end. */
const MAX_JOINED_LATE_BYTES = 256 * 1024
/** Small chunks are joined up to this size: each costs some memory, and a write when it is sent on. */
const JOIN_BYTES = 64 * 1024
/** As few chunks of this size are large enough. */
const FEW_CHUNKS = 4

/**
 * Collects a body while it arrives. Keeps large bodies in chunks, since copying them costs more than all other work on
 * them. Where one piece is wanted, it copies each chunk to its place in one buffer, since joining at the end needs twice
 * the memory. It allocates that buffer only after some bytes have arrived: a `content-length` alone costs nothing.
 */
export class BodyBuffer {
  size = 0
  readonly #expectedSize: number
  #chunks: Buffer[] = []
  /** Chunks from this index on may be small. */
  #recentIndex = 0
  #recentSize = 0
  #buffer: Buffer | undefined

  /** `expectedSize`: the announced length; 0 where the body stays in chunks. */
  constructor(expectedSize: number) {
    this.#expectedSize = expectedSize
  }

  add(chunk: Buffer): void {
    const size = this.size + chunk.length
    if (this.size > MAX_JOINED_LATE_BYTES && size <= this.#expectedSize) this.#allocate().set(chunk, this.size)
    else this.#addChunk(chunk)
    this.size = size
  }

  /** Returns the body and forgets it, so that memory is not held twice. */
  take(): ByteChunks {
    this.#joinSmallChunks()
    const [first] = this.#chunks
    const chunks = first && this.#chunks.length === 1 ? first : this.#chunks
    const body = this.#buffer?.subarray(0, this.size) ?? chunks
    this.drop()
    return body
  }

  drop(): void {
    this.#chunks = []
    this.#buffer = undefined
  }

  /** The buffer for the whole body, filled with what has arrived. */
  #allocate(): Buffer {
    if (this.#buffer) return this.#buffer
    const buffer = Buffer.allocUnsafeSlow(this.#expectedSize)
    let at = 0
    for (const chunk of this.#chunks) at += chunk.copy(buffer, at)
    this.#chunks = []
    this.#buffer = buffer
    return buffer
  }

  #addChunk(chunk: Buffer): void {
    if (this.#buffer) this.#chunks = [this.#buffer.subarray(0, this.size)]
    this.#buffer = undefined
    this.#chunks.push(chunk)
    this.#recentSize += chunk.length
    if (this.#recentSize >= JOIN_BYTES) this.#joinSmallChunks()
  }

  #joinSmallChunks(): void {
    const small = this.#chunks.length - this.#recentIndex > FEW_CHUNKS ? this.#chunks.splice(this.#recentIndex) : []
    if (small.length > 0) this.#chunks.push(Buffer.concat(small))
    this.#recentIndex = this.#chunks.length
    this.#recentSize = 0
  }
}
