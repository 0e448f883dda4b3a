import { createHash } from 'node:crypto'

/** Bytes in one buffer, or in several. Large bodies stay in several, because joining them needs twice the memory. */
export type ByteChunks = Buffer | readonly Buffer[]

/** Returns the bytes as one buffer. Copies them if there is more than one chunk. */
export function joinChunks(chunks: ByteChunks): Buffer {
  if (Buffer.isBuffer(chunks)) return chunks
  const [only] = chunks
  return only && chunks.length === 1 ? only : Buffer.concat(chunks)
}

/** Total length in bytes. */
export function chunksLength(chunks: ByteChunks): number {
  return Buffer.isBuffer(chunks) ? chunks.length : chunks.reduce((length, chunk) => length + chunk.length, 0)
}

/** SHA-256 of the bytes, in hex. It does not depend on where the chunks are split. */
export function digestChunks(chunks: ByteChunks): string {
  const digest = createHash('sha256')
  for (const chunk of toList(chunks)) digest.update(chunk)
  return digest.digest('hex')
}

/** Returns the bytes from `start` to before `end` as views, without copying. */
export function sliceChunks(chunks: ByteChunks, start: number, end: number = Number.POSITIVE_INFINITY): Buffer[] {
  const slices: Buffer[] = []
  let at = 0
  for (const chunk of toList(chunks)) {
    if (at >= end) break
    const part = chunk.subarray(Math.max(0, start - at), end - at)
    if (part.length > 0) slices.push(part)
    at += chunk.length
  }
  return slices
}

/** Returns the bytes from `start` to before `end` as one buffer. Copies them only if they lie in several chunks. */
export function readRange(chunks: ByteChunks, start: number, end: number): Buffer {
  return Buffer.isBuffer(chunks) ? chunks.subarray(start, end) : joinChunks(sliceChunks(chunks, start, end))
}

/** Returns at least the first `length` bytes, or all bytes if there are fewer. May return more, to avoid a copy. */
export function firstBytes(chunks: ByteChunks, length: number): Buffer {
  return Buffer.isBuffer(chunks) ? chunks : readRange(chunks, 0, length)
}

/** Returns the first offset, at or after `from`, at which `bytes` occur. Returns -1 if they do not occur. */
export function indexOfBytes(chunks: ByteChunks, bytes: Buffer, from: number): number {
  let at = 0
  /** The last bytes of the previous chunks: a match may begin in them. */
  let before: Buffer = NOTHING
  for (const chunk of toList(chunks)) {
    const start = Math.max(0, from - at)
    if (start < chunk.length) {
      const boundary = Buffer.concat([before, chunk.subarray(start, start + bytes.length - 1)])
      const indexAcross = boundary.indexOf(bytes)
      if (indexAcross >= 0) return at + start - before.length + indexAcross
      const indexWithin = chunk.indexOf(bytes, start)
      if (indexWithin >= 0) return at + indexWithin
      const isShort = chunk.length - start < bytes.length
      const rest = isShort ? boundary : chunk
      before = rest.subarray(Math.max(0, rest.length - bytes.length + 1))
    }
    at += chunk.length
  }
  return -1
}

const NOTHING = Buffer.alloc(0)

function toList(chunks: ByteChunks): readonly Buffer[] {
  return Buffer.isBuffer(chunks) ? [chunks] : chunks
}
