import { type ByteChunks, firstBytes, indexOfBytes, readRange } from './byte-chunks.js'
import { readPartHead } from './part-head.js'
import type { Span } from './splice.js'

/** One part of a multipart body, with the span of its content. */
export interface Part extends Span {
  readonly name: string
  readonly isFile: boolean
}

/** A parsed body. */
export interface Multipart {
  readonly boundary: string
  readonly parts: readonly Part[]
}

/** A body that starts like a multipart body and is malformed. The message completes "The multipart body cannot be read: …". */
export class MultipartError extends Error {
  override readonly name: string = 'MultipartError'
}

/** The boundaries that RFC 2046 allows. Upstreams may read others differently than the relay. */
const BOUNDARY = /^[\w'()+,\-./:=? ]{0,69}[\w'()+,\-./:=?]$/
/** A boundary that needs no quotes in a header. */
const TOKEN = /^[\w'+\-.]+$/
const MAX_BOUNDARY_LENGTH = 70
const MAX_HEAD_BYTES = 16 * 1024
const MAX_PARTS = 1000
const BLANK_LINE = Buffer.from('\r\n\r\n')

/** Whether a body starts with `--`, as multipart bodies do. */
export function isMultipart(body: ByteChunks): boolean {
  const head = firstBytes(body, 2)
  return head[0] === 0x2d && head[1] === 0x2d
}

/** Returns the `content-type` of a body, with the boundary of its first line. @throws {MultipartError} */
export function contentTypeOf(body: ByteChunks): string {
  const boundary = boundaryOf(body)
  return `multipart/form-data; boundary=${TOKEN.test(boundary) ? boundary : `"${boundary}"`}`
}

/** Returns the bytes of a further field, to be put before the body. @throws {MultipartError} */
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

/** Parses a body with the boundary of its first line. Copies no content. @throws {MultipartError} */
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
      if (rest !== '' && rest !== '\r\n') throw new MultipartError('it continues after its last boundary')
      return { boundary, parts }
    }
    // A longer line that starts with the boundary ends the part for some parsers only.
    if (next !== '\r\n')
      throw new MultipartError(`part ${parts.length} is not followed by a boundary on a line of its own`)
    at += 2
  }
}

/** Reads the part whose head begins at `at`. @throws {MultipartError} */
function readPart(body: ByteChunks, at: number, delimiter: Buffer, number: number): Part {
  const headBytes = readRange(body, at, at + MAX_HEAD_BYTES + BLANK_LINE.length)
  const length = headBytes.indexOf(BLANK_LINE)
  if (length < 0) {
    const isLong = headBytes.length > MAX_HEAD_BYTES
    throw new MultipartError(`part ${number} has ${isLong ? `a head of more than ${MAX_HEAD_BYTES} bytes` : 'no head'}`)
  }
  const head = readPartHead(headBytes.toString('utf8', 0, length))
  if (typeof head === 'string') throw new MultipartError(`part ${number} ${head}`)
  const subject = `part ${number}, "${head.name.slice(0, 40)}", has`
  // In an empty part, the line end before the boundary is also the one that ends the head.
  const end = endOf(body, delimiter, at + length + 2)
  if (end === undefined) throw new MultipartError(`${subject} no boundary after it`)
  if (end < 0) throw new MultipartError(`${subject} a boundary after an incomplete line end (a CR or LF alone)`)
  return { ...head, start: Math.min(at + length + BLANK_LINE.length, end), end }
}

/** Offset of the line end before the next boundary. -1 if only a CR or LF precedes it, which some parsers accept. Undefined without a further boundary. */
function endOf(body: ByteChunks, delimiter: Buffer, from: number): number | undefined {
  for (let at = indexOfBytes(body, delimiter, from + 2); at >= 0; at = indexOfBytes(body, delimiter, at + 1)) {
    const before = readRange(body, at - 2, at).toString('latin1')
    if (before === '\r\n') return at - 2
    if (/[\r\n]$/.test(before)) return -1
  }
  return undefined
}
