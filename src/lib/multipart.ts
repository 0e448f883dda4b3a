import { type ByteChunks, readRange, firstBytes, indexOfBytes } from './byte-chunks.js'
import { readPartHead } from './part-head.js'
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
export class MultipartError extends Error {
  override readonly name: string = 'MultipartFault'
}

/** What RFC 2046 allows between parts: of anything else, readers further on may make something of their own. */
const BOUNDARY = /^[\w'()+,\-./:=? ]{0,69}[\w'()+,\-./:=?]$/
/** What needs no quotes in a header. */
const TOKEN = /^[\w'+\-.]+$/
const MAX_BOUNDARY_LENGTH = 70
const MAX_HEAD_BYTES = 16 * 1024
const MAX_PARTS = 1000
const BLANK_LINE = Buffer.from('\r\n\r\n')

/** Whether bytes begin as a multipart body does. */
export function isMultipart(body: ByteChunks): boolean {
  const head = firstBytes(body, 2)
  return head[0] === 0x2d && head[1] === 0x2d
}

/** The content type of a body, by the boundary that it begins with. @throws {MultipartError} */
export function contentTypeOf(body: ByteChunks): string {
  const boundary = boundaryOf(body)
  return `multipart/form-data; boundary=${TOKEN.test(boundary) ? boundary : `"${boundary}"`}`
}

/** One more field, to stand before all others of a body. @throws {MultipartError} */
export function writeFirstField(body: ByteChunks, name: string, value: string): Buffer {
  return Buffer.from(`--${boundaryOf(body)}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
}

function boundaryOf(body: ByteChunks): string {
  const line = readRange(body, 2, MAX_BOUNDARY_LENGTH + 4).toString('latin1')
  const boundary = line.slice(0, Math.max(0, line.indexOf('\r\n')))
  if (!BOUNDARY.test(boundary)) {
    const rule = `a boundary of 1 to ${MAX_BOUNDARY_LENGTH} letters, digits or '()+_,-./:=?`
    throw new MultipartError(`its first line is not ${rule}`)
  }
  return boundary
}

/** Takes a body apart, by the boundary that it begins with; no content is copied. @throws {MultipartError} */
export function readMultipart(body: ByteChunks): Multipart {
  const boundary = boundaryOf(body)
  const delimiter = Buffer.from(`--${boundary}`, 'latin1')
  const parts: Part[] = []
  let at = boundary.length + 4
  for (;;) {
    if (parts.length === MAX_PARTS) throw new MultipartError(`it has more than ${MAX_PARTS} parts`)
    const part = readPart(body, at, delimiter, parts.length + 1)
    parts.push(part)
    at = part.end + 2 + delimiter.length
    const next = readRange(body, at, at + 2).toString('latin1')
    if (next === '--') {
      const rest = readRange(body, at + 2, at + 5).toString('latin1')
      if (rest !== '' && rest !== '\r\n') throw new MultipartError('it goes on behind its last boundary')
      return { boundary, parts }
    }
    // A boundary that only begins like this one is for some readers a part's content, and for others its end.
    if (next !== '\r\n') throw new MultipartError(`part ${parts.length} is not followed by a boundary of its own line`)
    at += 2
  }
}

/** The part whose head begins at `at`. */
function readPart(body: ByteChunks, at: number, delimiter: Buffer, number: number): Part {
  const near = readRange(body, at, at + MAX_HEAD_BYTES + BLANK_LINE.length)
  const length = near.indexOf(BLANK_LINE)
  if (length < 0) {
    const isLong = near.length > MAX_HEAD_BYTES
    throw new MultipartError(`part ${number} has ${isLong ? `a head beyond ${MAX_HEAD_BYTES} bytes` : 'no head'}`)
  }
  const head = readPartHead(near.toString('utf8', 0, length))
  if (typeof head === 'string') throw new MultipartError(`part ${number} ${head}`)
  const words = `part ${number}, "${head.name.slice(0, 40)}", has`
  // An empty part's boundary begins with the very line end that ends its head.
  const end = endOf(body, delimiter, at + length + 2)
  if (end === undefined) throw new MultipartError(`${words} no boundary behind it`)
  if (end < 0) throw new MultipartError(`${words} a boundary in it behind half a line end`)
  return { ...head, start: Math.min(at + length + BLANK_LINE.length, end), end }
}

/** Where the next boundary's line end begins; -1 where half a line end makes it one for some readers only. */
function endOf(body: ByteChunks, delimiter: Buffer, from: number): number | undefined {
  for (let at = indexOfBytes(body, delimiter, from + 2); at >= 0; at = indexOfBytes(body, delimiter, at + 1)) {
    const before = readRange(body, at - 2, at).toString('latin1')
    if (before === '\r\n') return at - 2
    if (/[\r\n]$/.test(before)) return -1
  }
  return undefined
}
