const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
const PRIME = 0x01000193

/**
 * Hashes a text to `length` letters and digits, equal on every machine. Runs FNV-1a for each character of the result. Not for
 * secrets: FNV-1a is not cryptographic.
 */
export function hashText(text: string, length: number): string {
  let hashed = ''
  for (let place = 0; place < length; place++) hashed += ALPHABET[fnv(text, place) % ALPHABET.length]
  return hashed
}

function fnv(text: string, seed: number): number {
  let hash = Math.imul(0x811c9dc5 ^ seed, PRIME)
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), PRIME)
  // The last characters of the text have changed only the low bits. These steps spread them to all bits.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 12)) >>> 0
}
