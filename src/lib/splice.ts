/** Where a value stands: `bytes.subarray(start, end)` is its JSON text. */
export interface Span {
  readonly start: number
  readonly end: number
}

const QUOTE = 0x22
const COLON = 0x3a
const BACKSLASH = 0x5c

/** The same bytes with the value at `span` written anew. All else, down to the white space, stays as it came. */
export function splice(bytes: Buffer, span: Span, value: unknown): Buffer {
  return Buffer.concat([bytes.subarray(0, span.start), Buffer.from(JSON.stringify(value)), bytes.subarray(span.end)])
}

/**
 * Where the string under `key` stands in the bytes of a JSON object that is known to have one. Undefined unless there is
 * exactly one such key at its top, spelled without escapes: of two, readers further on may take either.
 */
export function findString(bytes: Buffer, key: string): Span | undefined {
  const token = `"${key}"`
  const first = bytes.indexOf(token)
  // The one place where the token stands must be the key, unless another hides behind escaped small letters.
  const plain =
    first >= 0 && bytes.indexOf(token, first + 1) < 0 && !bytes.includes('\\u006') && !bytes.includes('\\u007')
  if (plain) return spanAfter(bytes, first + token.length)
  const places = findKeys(bytes, key)
  const [only] = places
  return only !== undefined && places.length === 1 && bytes[only] === QUOTE
    ? { start: only, end: endOfString(bytes, only) }
    : undefined
}

function spanAfter(bytes: Buffer, keyEnd: number): Span | undefined {
  const colon = skipSpace(bytes, keyEnd)
  const start = skipSpace(bytes, colon + 1)
  return bytes[colon] === COLON && bytes[start] === QUOTE ? { start, end: endOfString(bytes, start) } : undefined
}

/** Where the values of all top-level keys of this name begin; -1 for a key in disguise. */
function findKeys(bytes: Buffer, key: string): number[] {
  const found: number[] = []
  let depth = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === 0x7b || byte === 0x5b) depth++
    else if (byte === 0x7d || byte === 0x5d) depth--
    if (byte !== QUOTE) continue
    const end = endOfString(bytes, at)
    const colon = skipSpace(bytes, end)
    if (depth === 1 && bytes[colon] === COLON && JSON.parse(bytes.toString('utf8', at, end)) === key) {
      found.push(end - at === key.length + 2 ? skipSpace(bytes, colon + 1) : -1)
    }
    at = end - 1
  }
  return found
}

function endOfString(bytes: Buffer, start: number): number {
  let at = start + 1
  for (;;) {
    const quote = bytes.indexOf(QUOTE, at)
    if (quote < 0) return bytes.length
    let back = quote
    while (back > at && bytes[back - 1] === BACKSLASH) back--
    if ((quote - back) % 2 === 0) return quote + 1
    at = quote + 1
  }
}

function skipSpace(bytes: Buffer, start: number): number {
  let at = start
  for (;;) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at++
  }
}
