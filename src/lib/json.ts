/**
 * A look at JSON bytes without building values. One pass checks that the whole text is JSON, checks the kinds of the
 * few values that a {@link Shape} names, and remembers where the wanted ones stand, so that bytes can pass on
 * untouched. Long strings are jumped over, so their escapes and control characters are left for the next reader to judge.
 */

export type Kind = 'string' | 'number' | 'boolean' | 'null' | 'array' | 'object'

/** Where a value stands: `bytes.subarray(start, end)` is its JSON text. */
export interface Span {
  readonly kind: Kind
  readonly start: number
  readonly end: number
}

/** What is asked of one value. Fields that a shape does not name may be anything. */
export interface Shape {
  readonly kinds: readonly Kind[]
  /** Remember the value's place under its own key. */
  readonly keep?: boolean
  readonly required?: boolean
  /** An array must hold at least this many. */
  readonly least?: number
  readonly items?: Shape
  readonly fields?: Fields
}

/** The named fields of an object. Each has a bit, so that an object's check needs no set of what it has seen. */
export type Fields = ReadonlyMap<string, { readonly shape: Shape; readonly bit: number }>

/** @throws {RangeError} for more fields than there are bits */
export function fields(shapes: Readonly<Record<string, Shape>>): Fields {
  const entries = Object.entries(shapes)
  if (entries.length > 31) throw new RangeError('a shape names at most 31 fields')
  return new Map(entries.map(([key, shape], index) => [key, { shape, bit: 1 << index }]))
}

/** The places of the values that a shape marks `keep`. There are few, so they are searched, not hashed. */
export class Outline {
  readonly #keys: string[] = []
  readonly #spans: Span[] = []

  get(key: string): Span | undefined {
    return this.#spans[this.#keys.lastIndexOf(key)]
  }

  set(key: string, span: Span): void {
    this.#keys.push(key)
    this.#spans.push(span)
  }
}

/** `syntax`: not JSON. `kind`: a value of the wrong kind. `missing`: a required field is not there. `doubled`: a named key twice or spelled with escapes. */
export type FaultKind = 'syntax' | 'kind' | 'missing' | 'doubled'

/** Why a text was refused. `path` names the value, as `messages[2].content`; it is empty for a syntax fault. */
export class JsonFault extends Error {
  readonly fault: FaultKind
  readonly path: string

  constructor(fault: FaultKind, path: string, message: string) {
    super(message)
    this.name = 'JsonFault'
    this.fault = fault
    this.path = path
  }
}

/** Deeper nesting than any real request has; a reader that recurses must stop somewhere. */
const DEEPEST = 512
/** Below this length a byte loop beats the call into native search. */
const SHORT = 24

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Checks `bytes` against `shape` and gives the places of the values marked `keep`. @throws {JsonFault} */
export function outline(bytes: Buffer, shape: Shape): Outline {
  const walk = new Walk(bytes)
  walk.value(shape, '', 0)
  walk.space()
  if (walk.at < bytes.length) walk.broken()
  return walk.kept
}

/** The value that stands at a span. */
export function parseSpan(bytes: Buffer, span: Span): unknown {
  return JSON.parse(bytes.toString('utf8', span.start, span.end))
}

class Walk {
  at = 0
  readonly kept = new Outline()
  readonly #bytes: Buffer
  /** Keys and indices from the top to the value being read; only what a shape names. */
  readonly #path: (string | number)[] = []

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  value(shape: Shape | undefined, key: string, depth: number): void {
    this.space()
    const start = this.at
    const kind = this.#kind(start)
    if (shape && !shape.kinds.includes(kind)) this.#fault('kind', `expected ${shape.kinds.join(' or ')}, got ${kind}`)
    if (depth > DEEPEST) throw new JsonFault('syntax', '', `nested more than ${DEEPEST} deep`)
    if (kind === 'string') this.#string()
    else if (kind === 'object') this.#object(shape, depth)
    else if (kind === 'array') this.#array(shape, depth)
    else if (kind === 'number') this.#number()
    else this.#literal()
    if (shape?.keep) this.kept.set(key, { kind, start, end: this.at })
  }

  space(): void {
    for (;;) {
      const byte = this.#bytes[this.at]
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return
      this.at++
    }
  }

  broken(): never {
    const found = this.at < this.#bytes.length ? `unexpected character at byte ${this.at}` : 'unexpected end'
    throw new JsonFault('syntax', '', found)
  }

  #kind(at: number): Kind {
    const byte = this.#bytes[at]
    if (byte === QUOTE) return 'string'
    if (byte === OPEN_OBJECT) return 'object'
    if (byte === OPEN_ARRAY) return 'array'
    if (byte === 0x74 || byte === 0x66) return 'boolean'
    if (byte === 0x6e) return 'null'
    if (byte === 0x2d || (byte !== undefined && byte >= 0x30 && byte <= 0x39)) return 'number'
    return this.broken()
  }

  #object(shape: Shape | undefined, depth: number): void {
    const fields = shape?.fields
    let seen = 0
    this.at++
    this.space()
    if (this.#bytes[this.at] === CLOSE_OBJECT) this.at++
    else {
      do {
        this.space()
        if (this.#bytes[this.at] !== QUOTE) this.broken()
        const start = this.at
        this.#string()
        const key = fields ? this.#key(start, fields, seen) : undefined
        const field = key === undefined ? undefined : fields?.get(key)
        this.#expect(COLON)
        if (key === undefined || !field) this.value(undefined, '', depth + 1)
        else this.#below(key, field.shape, depth)
        seen |= field?.bit ?? 0
      } while (this.#more(CLOSE_OBJECT))
    }
    if (fields) this.#complete(fields, seen)
  }

  #complete(fields: Fields, seen: number): void {
    for (const [key, { shape, bit }] of fields) {
      if (!shape.required || seen & bit) continue
      this.#path.push(key)
      this.#fault('missing', 'is required')
    }
  }

  #array(shape: Shape | undefined, depth: number): void {
    let count = 0
    this.at++
    this.space()
    if (this.#bytes[this.at] === CLOSE_ARRAY) this.at++
    else {
      do {
        if (shape?.items) this.#below(count, shape.items, depth)
        else this.value(undefined, '', depth + 1)
        count++
      } while (this.#more(CLOSE_ARRAY))
    }
    if (count < (shape?.least ?? 0)) this.#fault('kind', `expected at least ${shape?.least} item, got ${count}`)
  }

  #below(step: string | number, shape: Shape | undefined, depth: number): void {
    this.#path.push(step)
    this.value(shape, String(step), depth + 1)
    this.#path.pop()
  }

  /** The key's name if the shape names it. A second one, or one in disguise, could mean something else to the next reader. */
  #key(start: number, fields: Fields, seen: number): string | undefined {
    const raw = this.#bytes.toString('latin1', start + 1, this.at - 1)
    const escaped = raw.includes('\\')
    const key = escaped ? this.#unescaped(start) : raw
    const field = fields.get(key)
    if (!field) return undefined
    if (escaped || seen & field.bit) {
      this.#path.push(key)
      this.#fault('doubled', escaped ? 'the key is spelled with escapes' : 'the key is given twice')
    }
    return key
  }

  #unescaped(start: number): string {
    try {
      return JSON.parse(this.#bytes.toString('utf8', start, this.at)) as string
    } catch {
      this.at = start
      return this.broken()
    }
  }

  #string(): void {
    const bytes = this.#bytes
    const start = this.at + 1
    const near = Math.min(start + SHORT, bytes.length)
    let end = start
    while (end < near && bytes[end] !== QUOTE) end++
    if (bytes[end] !== QUOTE) end = bytes.indexOf(QUOTE, end)
    while (end >= 0 && isEscaped(bytes, end, start)) end = bytes.indexOf(QUOTE, end + 1)
    if (end < 0) {
      this.at = bytes.length
      this.broken()
    }
    this.at = end + 1
  }

  #number(): void {
    const bytes = this.#bytes
    if (bytes[this.at] === 0x2d) this.at++
    if (bytes[this.at] === 0x30) this.at++
    else this.#digits()
    if (bytes[this.at] === 0x2e) {
      this.at++
      this.#digits()
    }
    const exponent = bytes[this.at]
    if (exponent !== 0x65 && exponent !== 0x45) return
    this.at++
    const sign = bytes[this.at]
    if (sign === 0x2b || sign === 0x2d) this.at++
    this.#digits()
  }

  #digits(): void {
    const start = this.at
    for (;;) {
      const byte = this.#bytes[this.at]
      if (byte === undefined || byte < 0x30 || byte > 0x39) break
      this.at++
    }
    if (this.at === start) this.broken()
  }

  #literal(): void {
    const word = this.#bytes[this.at] === 0x66 ? 'false' : this.#bytes[this.at] === 0x74 ? 'true' : 'null'
    if (this.#bytes.toString('latin1', this.at, this.at + word.length) !== word) this.broken()
    this.at += word.length
  }

  #expect(byte: number): void {
    this.space()
    if (this.#bytes[this.at] !== byte) this.broken()
    this.at++
  }

  #more(close: number): boolean {
    this.space()
    const byte = this.#bytes[this.at]
    if (byte !== COMMA && byte !== close) this.broken()
    this.at++
    return byte === COMMA
  }

  #fault(fault: FaultKind, message: string): never {
    let path = ''
    for (const step of this.#path) path += typeof step === 'number' ? `[${step}]` : path ? `.${step}` : step
    throw new JsonFault(fault, path, message)
  }
}

/** Whether the quote at `at` belongs to the text: an odd number of backslashes stands before it. */
function isEscaped(bytes: Buffer, at: number, start: number): boolean {
  let back = at
  while (back > start && bytes[back - 1] === BACKSLASH) back--
  return (at - back) % 2 === 1
}
