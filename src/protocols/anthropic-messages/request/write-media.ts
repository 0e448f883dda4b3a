import type { MediaBlock } from '../../../chat/blocks.js'
import { mimeOf } from '../../../chat/media.js'
import { RelayError } from '../../../errors.js'
import type { WriteOptions } from '../../protocol.js'
import { writeCache } from '../cache-control.js'
import { nativeFields } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'

const IMAGE_TYPES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp'])
const PDF = 'application/pdf'
/** Types of text files. Anthropic takes them as plain text only. */
const TEXT_TYPES = /^text\/|^application\/(?:json|xml|x-yaml|yaml|javascript|x-sh|sql|toml)$|\+(?:json|xml)$/

/** Writes an image or a document. Returns undefined and adds a loss for other media. @throws {RelayError} 400 for an unsupported file type */
export function writeMedia(block: MediaBlock, { losses }: WriteOptions): object | undefined {
  const { kind, source, at = '', name, detail, cache, native } = block
  if (kind === 'audio' || kind === 'video' || (source.type === 'id' && source.protocol !== PROTOCOL_ID)) {
    losses.noEquivalent(at)
    return undefined
  }
  const mime = mimeOf(block)
  const isImage = mime === undefined ? kind === 'image' : mime.startsWith('image/')
  const written = isImage ? imageSource(block, mime) : documentSource(block, mime)
  if (isImage && detail !== undefined && detail !== 'auto') losses.noEquivalent(`${at}.detail`)
  const title = !isImage && name !== undefined ? { title: name } : {}
  const type = isImage ? 'image' : 'document'
  return { type, source: written, ...title, ...nativeFields(native), ...writeCache(cache) }
}

function imageSource(block: MediaBlock, mime: string | undefined): object {
  const { source } = block
  if (source.type === 'url') return { type: 'url', url: source.url }
  if (source.type === 'id') return { type: 'file', file_id: source.id }
  if (source.type === 'text' || mime === undefined || !IMAGE_TYPES.has(mime)) {
    return refuse(block, mime, `expected one of ${[...IMAGE_TYPES].join(', ')}`)
  }
  return { type: 'base64', media_type: mime, data: source.data }
}

function documentSource(block: MediaBlock, mime: string | undefined): object {
  const { source } = block
  if (source.type === 'url') return { type: 'url', url: source.url }
  if (source.type === 'id') return { type: 'file', file_id: source.id }
  if (source.type === 'text') return { type: 'text', media_type: 'text/plain', data: source.text }
  if (mime === PDF) return { type: 'base64', media_type: PDF, data: source.data }
  if (mime === undefined || !TEXT_TYPES.test(mime)) return refuse(block, mime, 'expected a PDF or plain text')
  return { type: 'text', media_type: 'text/plain', data: Buffer.from(source.data, 'base64').toString() }
}

function refuse({ kind, at }: MediaBlock, mime: string | undefined, expected: string): never {
  const what = mime === undefined ? `of an unknown type` : `of type ${mime}`
  throw new RelayError('invalid_request', `${at}: ${kind} ${what} has no equivalent in ${PROTOCOL_ID}, ${expected}`, {
    param: at,
  })
}
