/** Position of a value: `bytes.subarray(start, end)` is its JSON text. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A replacement: `text` takes the place of the bytes in `span`. */
export interface Edit {
  readonly span: Span
  readonly text: string
}

/** Applies edits, in any order. Their spans must not overlap. */
export function spliceAll(bytes: Buffer, edits: readonly Edit[]): Buffer {
  const parts: Buffer[] = []
  let done = 0
  for (const { span, text } of edits.toSorted((one, other) => one.span.start - other.span.start)) {
    parts.push(bytes.subarray(done, span.start), Buffer.from(text))
    done = span.end
  }
  return Buffer.concat([...parts, bytes.subarray(done)])
}

/** Replaces the value at `span` by the JSON of `value`. All other bytes stay unchanged, white space included. */
export function splice(bytes: Buffer, span: Span, value: unknown): Buffer {
  return Buffer.concat([bytes.subarray(0, span.start), Buffer.from(JSON.stringify(value)), bytes.subarray(span.end)])
}

/**
 * Finds the string value of a top-level key. `text` must be a JSON object that has the key. Returns undefined if the key
 * occurs twice or is written with escapes: an upstream may then read another value.
 */
export function findString(text: string, key: string): Span | undefined {
  const token = `"${key}"`
  const first = text.indexOf(token)
  // A single occurrence of the token is the key. Only with escaped lower-case letters could the key occur again.
  const isUnique = first >= 0 && text.indexOf(token, first + 1) < 0
  const hasEscapes = text.includes('\\u00') && (text.includes('\\u006') || text.includes('\\u007'))
  const isPlain = isUnique && !hasEscapes
  if (isPlain) return stringSpan(text, skipSpace(text, skipSpace(text, first + token.length) + 1))
  const [only, ...others] = findKeys(text, key)
  return only === undefined || others.length > 0 ? undefined : stringSpan(text, only)
}

/** Finds a value of any type, like {@link findString}. */
export function findValue(text: string, key: string): Span | undefined {
  const [start, ...others] = findKeys(text, key)
  if (start === undefined || start < 0 || others.length > 0) return undefined
  return { start, end: endOfValue(text, start) }
}

function endOfValue(text: string, start: number): number {
  let depth = 0
  let at = start
  for (; at < text.length; at++) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at) - 1
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    else if (depth > 0 || character !== ',') continue
    if (depth < 0 || character === ',') return at
    if (depth === 0) return at + 1
  }
  return at
}

/** Returns the offset of the value of each top-level key with this name. -1 for a key that is written with escapes. */
function findKeys(text: string, key: string): number[] {
  const found: number[] = []
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    if (character !== '"') continue
    const end = endOfString(text, at)
    const colon = skipSpace(text, end)
    if (depth === 1 && text[colon] === ':' && JSON.parse(text.slice(at, end)) === key) {
      found.push(end - at === key.length + 2 ? skipSpace(text, colon + 1) : -1)
    }
    at = end - 1
  }
  return found
}

function stringSpan(text: string, start: number): Span | undefined {
  return text[start] === '"' ? { start, end: endOfString(text, start) } : undefined
}

/** Returns the offset after the closing quote of the JSON string whose opening quote is at `start`. */
export function endOfString(text: string, start: number): number {
  let at = start + 1
  for (;;) {
    const quote = text.indexOf('"', at)
    if (quote < 0) return text.length
    let back = quote
    while (back > at && text[back - 1] === '\\') back--
    if ((quote - back) % 2 === 0) return quote + 1
    at = quote + 1
  }
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  return at
}
