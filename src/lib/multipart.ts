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

/** RFC 2046 allows 70 characters. */
const LONGEST_BOUNDARY = 70
const LONGEST_HEAD = 16 * 1024
const MOST_PARTS = 1000
const BLANK_LINE = Buffer.from('\r\n\r\n')

/** Whether bytes begin as a multipart body does. */
export function isMultipart(body: Buffer): boolean {
  return body[0] === 0x2d && body[1] === 0x2d
}

/** What stands between the parts of a body. @throws {MultipartFault} */
export function boundaryOf(body: Buffer): string {
  const boundary = body.toString('latin1', 2, body.indexOf('\r\n'))
  if (boundary === '' || boundary.length > LONGEST_BOUNDARY)
    throw new MultipartFault('it does not begin with a boundary')
  return boundary
}

/** Takes a body apart, by the boundary that it begins with; nothing is copied. @throws {MultipartFault} */
export function readMultipart(body: Buffer): Multipart {
  const boundary = boundaryOf(body)
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  const parts: Part[] = []
  let at = boundary.length + 2
  for (;;) {
    const head = at + 2
    const start = body.indexOf(BLANK_LINE, at)
    if (start < 0 || start - head > LONGEST_HEAD) throw new MultipartFault('a part has no head')
    const end = body.indexOf(delimiter, start + 2)
    if (end < 0) throw new MultipartFault('its last boundary is missing')
    if (parts.length === MOST_PARTS) throw new MultipartFault(`it has more than ${MOST_PARTS} parts`)
    parts.push({ ...readHead(body.toString('utf8', head, start)), start: Math.min(start + 4, end), end })
    at = end + delimiter.length
    if (body.toString('latin1', at, at + 2) === '--') return { boundary, parts }
    at = body.indexOf('\r\n', at)
    if (at < 0) throw new MultipartFault('its last boundary is missing')
  }
}

function readHead(head: string): Pick<Part, 'name' | 'isFile'> {
  const disposition = /^content-disposition:\s*form-data\b(.*)$/im.exec(head)?.[1]
  const name = disposition && /;\s*name=(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))/i.exec(disposition)
  if (!name) throw new MultipartFault('a part has no name')
  return { name: (name[1] ?? name[2] ?? '').replace(/\\(.)/g, '$1'), isFile: /;\s*filename\*?=/i.test(disposition) }
}
