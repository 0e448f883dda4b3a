import { createHash } from 'node:crypto'

/** Bytes in one piece, or in several whose joining would hold them twice. */
export type ByteChunks = Buffer | readonly Buffer[]

export function joinChunks(pieces: ByteChunks): Buffer {
  if (Buffer.isBuffer(pieces)) return pieces
  const [only] = pieces
  return only && pieces.length === 1 ? only : Buffer.concat(pieces)
}

export function chunksLength(pieces: ByteChunks): number {
  return Buffer.isBuffer(pieces) ? pieces.length : pieces.reduce((length, piece) => length + piece.length, 0)
}

/** The same, however they are cut: SHA-256. */
export function digestChunks(pieces: ByteChunks): string {
  const digest = createHash('sha256')
  for (const piece of toList(pieces)) digest.update(piece)
  return digest.digest('hex')
}

/** A stretch of them, uncopied. */
export function sliceChunks(pieces: ByteChunks, start: number, end: number = Number.POSITIVE_INFINITY): Buffer[] {
  const within: Buffer[] = []
  let at = 0
  for (const piece of toList(pieces)) {
    if (at >= end) break
    const part = piece.subarray(Math.max(0, start - at), end - at)
    if (part.length > 0) within.push(part)
    at += piece.length
  }
  return within
}

/** A short stretch of them, which is copied where it has a seam. */
export function readRange(pieces: ByteChunks, start: number, end: number): Buffer {
  return Buffer.isBuffer(pieces) ? pieces.subarray(start, end) : joinChunks(sliceChunks(pieces, start, end))
}

/** What they begin with: so many bytes, or more. */
export function firstBytes(pieces: ByteChunks, length: number): Buffer {
  return Buffer.isBuffer(pieces) ? pieces : readRange(pieces, 0, length)
}

/** Where such bytes begin, at `from` or behind it; -1 for nowhere. */
export function indexOfBytes(pieces: ByteChunks, bytes: Buffer, from: number): number {
  let at = 0
  /** What came before, as much as may be a beginning of these bytes. */
  let before: Buffer = NOTHING
  for (const piece of toList(pieces)) {
    const start = Math.max(0, from - at)
    if (start < piece.length) {
      const seam = Buffer.concat([before, piece.subarray(start, start + bytes.length - 1)])
      const across = seam.indexOf(bytes)
      if (across >= 0) return at + start - before.length + across
      const within = piece.indexOf(bytes, start)
      if (within >= 0) return at + within
      const isShort = piece.length - start < bytes.length
      const rest = isShort ? seam : piece
      before = rest.subarray(Math.max(0, rest.length - bytes.length + 1))
    }
    at += piece.length
  }
  return -1
}

const NOTHING = Buffer.alloc(0)

function toList(pieces: ByteChunks): readonly Buffer[] {
  return Buffer.isBuffer(pieces) ? [pieces] : pieces
}
