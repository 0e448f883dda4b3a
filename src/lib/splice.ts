/** Where a value stands: `bytes.subarray(start, end)` is its JSON text. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** What is to stand in a place. */
export interface Edit {
  readonly span: Span
  readonly text: string
}

/** The same bytes with several places written anew, which do not overlap. */
export function spliceAll(bytes: Buffer, edits: readonly Edit[]): Buffer {
  const pieces: Buffer[] = []
  let done = 0
  for (const { span: at, text } of edits.toSorted((one, other) => one.span.start - other.span.start)) {
    pieces.push(bytes.subarray(done, at.start), Buffer.from(text))
    done = at.end
  }
  return Buffer.concat([...pieces, bytes.subarray(done)])
}

/** The same bytes with the value at `span` written anew. All else, down to the white space, stays as it came. */
export function splice(bytes: Buffer, span: Span, value: unknown): Buffer {
  return Buffer.concat([bytes.subarray(0, span.start), Buffer.from(JSON.stringify(value)), bytes.subarray(span.end)])
}

/**
 * Where the string under `key` stands in the text of a JSON object that is known to have one. Undefined unless there is
 * exactly one such key at its top, spelled without escapes: of two, readers further on may take either.
 */
export function findString(text: string, key: string): Span | undefined {
  const token = `"${key}"`
  const first = text.indexOf(token)
  // The one place where the token stands must be the key, unless another hides behind escaped small letters.
  const alone = first >= 0 && text.indexOf(token, first + 1) < 0
  const plain = alone && !text.includes('\\u006') && !text.includes('\\u007')
  if (plain) return stringSpan(text, skipSpace(text, skipSpace(text, first + token.length) + 1))
  const [only, ...others] = findKeys(text, key)
  return only === undefined || others.length > 0 ? undefined : stringSpan(text, only)
}

/** The same for a value of any kind. */
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

/** Where the values of all top-level keys of this name begin; -1 for a key in disguise. */
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

/** The place behind a string of JSON that begins at `start`, with its quote. */
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
