import { endianness } from 'node:os'

const BYTES_PER_NUMBER = 4

/** Encodes numbers as little-endian float32 in Base64. */
export function toBase64(vector: readonly number[]): string {
  const bytes = Buffer.from(Float32Array.from(vector).buffer)
  return (isLittle ? bytes : bytes.swap32()).toString('base64')
}

/** Decodes numbers of {@link toBase64}. Undefined if the length in bytes is not a multiple of four. */
export function fromBase64(text: string): number[] | undefined {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length % BYTES_PER_NUMBER !== 0) return undefined
  const vector: number[] = []
  for (let at = 0; at < bytes.length; at += BYTES_PER_NUMBER) vector.push(bytes.readFloatLE(at))
  return vector
}

/** Scales a vector to length 1. Returns a vector of length 0 or infinity unchanged. */
export function toUnitLength(vector: readonly number[]): readonly number[] {
  const length = Math.hypot(...vector)
  return length > 0 && Number.isFinite(length) ? vector.map((value) => value / length) : vector
}

const isLittle = endianness() === 'LE'
