import type { ByteChunks } from '../src/index.js'

/** Bodies up to this size are kept in chunks until they are complete. */
const MAX_UNALLOCATED_BYTES = 256 * 1024
/** Recent chunks are joined when they reach this size. Each chunk costs memory, and a write when it is forwarded. */
const JOIN_THRESHOLD_BYTES = 64 * 1024
/** Up to this number, recent chunks are not joined, because they are large enough. */
const MAX_UNJOINED_CHUNKS = 4

/**
 * Collects a body while it arrives. Keeps large bodies in chunks, because copying costs more than all other work on
 * them. Where the relay needs one buffer, it copies each chunk there on arrival: joining at the end needs twice the
 * memory. It allocates that buffer only after some bytes have arrived, so a `content-length` alone costs no memory.
 */
export class BodyBuffer {
  size = 0
  readonly #expectedSize: number
  #chunks: Buffer[] = []
  /** Chunks from this index on may be small. */
  #recentIndex = 0
  #recentSize = 0
  #buffer: Buffer | undefined

  /** `expectedSize`: the announced length in bytes. 0 if the body stays in chunks. */
  constructor(expectedSize: number) {
    this.#expectedSize = expectedSize
  }

  add(chunk: Buffer): void {
    const size = this.size + chunk.length
    if (this.size > MAX_UNALLOCATED_BYTES && size <= this.#expectedSize) this.#allocate().set(chunk, this.size)
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
    if (this.#recentSize >= JOIN_THRESHOLD_BYTES) this.#joinSmallChunks()
  }

  #joinSmallChunks(): void {
    const small =
      this.#chunks.length - this.#recentIndex > MAX_UNJOINED_CHUNKS ? this.#chunks.splice(this.#recentIndex) : []
    if (small.length > 0) this.#chunks.push(Buffer.concat(small))
    this.#recentIndex = this.#chunks.length
    this.#recentSize = 0
  }
}
