import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { RelayError } from '../errors.js'
import type { RelayRequest } from '../http.js'
import { type ByteChunks, firstBytes, joinChunks, sliceChunks } from '../lib/byte-chunks.js'

type Decompress = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

const DECOMPRESS = new Map<string, Decompress>([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
])

/** Reads a request's body, decompressed, from the connection or from the host's own parser. @throws {RelayError} 400, 413 or 415 */
export async function readBody(request: RelayRequest, maxBytes: number, inChunks?: boolean): Promise<ByteChunks> {
  const encoding = request.headers['content-encoding']
  const isPlain = encoding === undefined || encoding === 'identity'
  const isUnread = isPlain && request.parsedBody === undefined
  return withoutBom(await (isUnread ? request.read(maxBytes, inChunks) : decode(request, maxBytes)))
}

async function decode(request: RelayRequest, maxBytes: number): Promise<ByteChunks> {
  if (request.parsedBody !== undefined) return checkSize(parsedBytes(request.parsedBody), maxBytes)
  const encoding = request.headers['content-encoding'] ?? 'identity'
  const decompress = DECOMPRESS.get(encoding.trim().toLowerCase())
  if (!decompress) {
    throw new RelayError('unknown_encoding', `Content encoding '${encoding.slice(0, 40)}' is not supported.`, {
      headers: { 'accept-encoding': 'gzip, deflate, br' },
    })
  }
  const compressed = joinChunks(await request.read(maxBytes))
  try {
    return await decompress(compressed, { maxOutputLength: maxBytes })
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge(maxBytes)
    throw new RelayError('invalid_request', `The body is not valid ${encoding}.`, { cause })
  }
}

/** The error for a body that is too large. Adapters throw it from `RelayRequest.read`. */
export function tooLarge(maxBytes: number): RelayError {
  return new RelayError('too_large', `The request body is larger than ${maxBytes} bytes.`)
}

function parsedBytes(parsed: unknown): Buffer {
  if (Buffer.isBuffer(parsed)) return parsed
  if (parsed instanceof Uint8Array) return Buffer.from(parsed.buffer, parsed.byteOffset, parsed.byteLength)
  return Buffer.from(typeof parsed === 'string' ? parsed : JSON.stringify(parsed))
}

function checkSize(bytes: Buffer, maxBytes: number): ByteChunks {
  if (bytes.length > maxBytes) throw tooLarge(maxBytes)
  return bytes
}

/** Removes the byte order mark that some Windows clients send and no upstream accepts. */
function withoutBom(bytes: ByteChunks): ByteChunks {
  const head = firstBytes(bytes, 3)
  return head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? sliceChunks(bytes, 3) : bytes
}
