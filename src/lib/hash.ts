const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
const PRIME = 0x01000193

/**
 * So many letters and digits that stand for a text: the same on every machine, different for different texts but for
 * chance. FNV-1a, one run for each character: nothing secret hangs on it.
 */
export function hashText(text: string, length: number): string {
  let hashed = ''
  for (let place = 0; place < length; place++) hashed += ALPHABET[fnv(text, place) % ALPHABET.length]
  return hashed
}

function fnv(text: string, seed: number): number {
  let hash = Math.imul(0x811c9dc5 ^ seed, PRIME)
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), PRIME)
  // The last characters have moved the low bits only; a few more turns spread them.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 12)) >>> 0
}
