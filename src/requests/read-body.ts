import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { RelayError } from '../errors.js'
import type { RelayRequest } from '../http.js'
import { type ByteChunks, headOf, joinChunks, sliceChunks } from '../lib/byte-chunks.js'

type Decompress = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

const DECOMPRESS = new Map<string, Decompress>([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
])

/** A request's body as plain bytes, from the wire or from the host's own parser. @throws {RelayError} 400, 413 or 415 */
export function readBody(request: RelayRequest, limit: number, inPieces?: boolean): Promise<ByteChunks> {
  const encoding = request.headers['content-encoding']
  const isPlain = encoding === undefined || encoding === 'identity'
  // One wait less, on the path that nearly all take.
  return isPlain && request.parsedBody === undefined
    ? request.read(limit, inPieces).then(unmarked)
    : unpack(request, limit)
}

async function unpack(request: RelayRequest, limit: number): Promise<ByteChunks> {
  if (request.parsedBody !== undefined) return within(bytesOf(request.parsedBody), limit)
  const encoding = request.headers['content-encoding'] ?? 'identity'
  const decompress = DECOMPRESS.get(encoding.trim().toLowerCase())
  if (!decompress) {
    throw new RelayError('unknown_encoding', `Content encoding '${encoding.slice(0, 40)}' is not supported.`, {
      headers: { 'accept-encoding': 'gzip, deflate, br' },
    })
  }
  const packed = joinChunks(await request.read(limit))
  try {
    return unmarked(await decompress(packed, { maxOutputLength: limit }))
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge(limit)
    throw new RelayError('invalid_request', `The body is not valid ${encoding}.`, { cause })
  }
}

/** The error for a body beyond the limit, in every adapter's words. */
export function tooLarge(limit: number): RelayError {
  return new RelayError('too_large', `The request body is larger than ${limit} bytes.`)
}

function bytesOf(parsed: unknown): Buffer {
  if (Buffer.isBuffer(parsed)) return parsed
  if (parsed instanceof Uint8Array) return Buffer.from(parsed.buffer, parsed.byteOffset, parsed.byteLength)
  return Buffer.from(typeof parsed === 'string' ? parsed : JSON.stringify(parsed))
}

function within(bytes: Buffer, limit: number): ByteChunks {
  if (bytes.length > limit) throw tooLarge(limit)
  return unmarked(bytes)
}

/** Without the byte order mark that some Windows clients write and no upstream wants. */
function unmarked(bytes: ByteChunks): ByteChunks {
  const head = headOf(bytes, 3)
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? sliceChunks(bytes, 3) : bytes
}
