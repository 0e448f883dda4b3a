import { endianness } from 'node:os'

const BYTES_PER_NUMBER = 4

/** Numbers as their bytes, little-endian float32, in Base64. */
export function toBase64(vector: readonly number[]): string {
  const bytes = Buffer.from(Float32Array.from(vector).buffer)
  return (isLittle ? bytes : bytes.swap32()).toString('base64')
}

/** The same numbers again. Undefined for what is no whole number of them. */
export function fromBase64(text: string): number[] | undefined {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length % BYTES_PER_NUMBER !== 0) return undefined
  const vector: number[] = []
  for (let at = 0; at < bytes.length; at += BYTES_PER_NUMBER) vector.push(bytes.readFloatLE(at))
  return vector
}

/** The same direction, of length 1. What has no direction stays as it is. */
export function toUnitLength(vector: readonly number[]): readonly number[] {
  const length = Math.hypot(...vector)
  return length > 0 && Number.isFinite(length) ? vector.map((value) => value / length) : vector
}

const isLittle = endianness() === 'LE'
