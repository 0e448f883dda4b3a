import { type ByteChunks, byteAt, headOf, indexIn } from './byte-chunks.js'
import { nameIn } from './part-head.js'
import type { Span } from './splice.js'

/** One part of a multipart body: where its content stands in the bytes. */
export interface Part extends Span {
  readonly name: string
  readonly isFile: boolean
}

/** A body that is taken apart. */
export interface Multipart {
  readonly boundary: string
  readonly parts: readonly Part[]
}

/** What is wrong with a body that looks like one. */
export class MultipartFault extends Error {
  override readonly name: string = 'MultipartFault'
}

/** What RFC 2046 allows between parts: of anything else, readers further on may make something of their own. */
const BOUNDARY = /^[\w'()+,\-./:=? ]{0,69}[\w'()+,\-./:=?]$/
/** What needs no quotes in a header. */
const TOKEN = /^[\w'+\-.]+$/
const LONGEST_BOUNDARY = 70
const LONGEST_HEAD = 16 * 1024
const MOST_PARTS = 1000
const BLANK_LINE = Buffer.from('\r\n\r\n')

/** Whether bytes begin as a multipart body does. */
export function isMultipart(body: ByteChunks): boolean {
  const head = headOf(body, 2)
  return head[0] === 0x2d && head[1] === 0x2d
}

/** The content type of a body, by the boundary that it begins with. @throws {MultipartFault} */
export function contentTypeOf(body: ByteChunks): string {
  const boundary = boundaryOf(body)
  return `multipart/form-data; boundary=${TOKEN.test(boundary) ? boundary : `"${boundary}"`}`
}

/** One more field, to stand before all others of a body. @throws {MultipartFault} */
export function fieldBefore(body: ByteChunks, name: string, value: string): Buffer {
  return Buffer.from(`--${boundaryOf(body)}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
}

function boundaryOf(body: ByteChunks): string {
  const line = byteAt(body, 2, LONGEST_BOUNDARY + 4).toString('latin1')
  const boundary = line.slice(0, Math.max(0, line.indexOf('\r\n')))
  if (!BOUNDARY.test(boundary)) {
    const rule = `a boundary of 1 to ${LONGEST_BOUNDARY} letters, digits or '()+_,-./:=?`
    throw new MultipartFault(`its first line is not ${rule}`)
  }
  return boundary
}

/** Takes a body apart, by the boundary that it begins with; no content is copied. @throws {MultipartFault} */
export function readMultipart(body: ByteChunks): Multipart {
  const boundary = boundaryOf(body)
  const delimiter = Buffer.from(`--${boundary}`, 'latin1')
  const parts: Part[] = []
  let at = boundary.length + 4
  for (;;) {
    if (parts.length === MOST_PARTS) throw new MultipartFault(`it has more than ${MOST_PARTS} parts`)
    const part = readPart(body, at, delimiter, parts.length + 1)
    parts.push(part)
    at = part.end + 2 + delimiter.length
    const next = byteAt(body, at, at + 2).toString('latin1')
    if (next === '--') {
      const rest = byteAt(body, at + 2, at + 5).toString('latin1')
      if (rest !== '' && rest !== '\r\n') throw new MultipartFault('it goes on behind its last boundary')
      return { boundary, parts }
    }
    // A boundary that only begins like this one is for some readers a part's content, and for others its end.
    if (next !== '\r\n') throw new MultipartFault(`part ${parts.length} is not followed by a boundary of its own line`)
    at += 2
  }
}

/** The part whose head begins at `at`. */
function readPart(body: ByteChunks, at: number, delimiter: Buffer, number: number): Part {
  const near = byteAt(body, at, at + LONGEST_HEAD + BLANK_LINE.length)
  const length = near.indexOf(BLANK_LINE)
  if (length < 0) {
    const isLong = near.length > LONGEST_HEAD
    throw new MultipartFault(`part ${number} has ${isLong ? `a head beyond ${LONGEST_HEAD} bytes` : 'no head'}`)
  }
  const head = nameIn(near.toString('utf8', 0, length))
  if (typeof head === 'string') throw new MultipartFault(`part ${number} ${head}`)
  const words = `part ${number}, "${head.name.slice(0, 40)}", has`
  // An empty part's boundary begins with the very line end that ends its head.
  const end = endOf(body, delimiter, at + length + 2)
  if (end === undefined) throw new MultipartFault(`${words} no boundary behind it`)
  if (end < 0) throw new MultipartFault(`${words} a boundary in it behind half a line end`)
  return { ...head, start: Math.min(at + length + BLANK_LINE.length, end), end }
}

/** Where the next boundary's line end begins; -1 where half a line end makes it one for some readers only. */
function endOf(body: ByteChunks, delimiter: Buffer, from: number): number | undefined {
  for (let at = indexIn(body, delimiter, from + 2); at >= 0; at = indexIn(body, delimiter, at + 1)) {
    const before = byteAt(body, at - 2, at).toString('latin1')
    if (before === '\r\n') return at - 2
    if (/[\r\n]$/.test(before)) return -1
  }
  return undefined
}
