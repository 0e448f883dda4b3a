/** Bytes in one piece, or in several whose joining would hold them twice. */
export type Pieces = Buffer | readonly Buffer[]

export function joined(pieces: Pieces): Buffer {
  return Buffer.isBuffer(pieces) ? pieces : Buffer.concat(pieces)
}

export function lengthOf(pieces: Pieces): number {
  return Buffer.isBuffer(pieces) ? pieces.length : pieces.reduce((length, piece) => length + piece.length, 0)
}
