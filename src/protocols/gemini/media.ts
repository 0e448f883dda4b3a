import type { MediaBlock, MediaSource, Native } from '../../chat/blocks.js'
import { mimeOf } from '../../chat/media.js'
import { nativeFieldsOf } from './field-names.js'
import { PROTOCOL_ID } from './traits.js'

/** Returns the kind of media of a MIME type. */
export function kindOf(mime: string | undefined): MediaBlock['kind'] {
  const family = /^(image|audio|video)\//.exec(mime ?? '')?.[1]
  return family === 'image' || family === 'audio' || family === 'video' ? family : 'file'
}

/** Reads the bytes of an `inlineData`. `at`: path in the request. */
export function readBytes(data: string, mime: string | undefined, native?: Native, at?: string): MediaBlock {
  const source: MediaSource = { type: 'bytes', data }
  return { type: 'media', kind: kindOf(mimeOf({ source, mime, name: undefined })), mime, source, native, at }
}

/** Addresses of files that only Google can read. */
const GOOGLE_FILES = /^gs:\/\/|^files\/|^https:\/\/generativelanguage\.googleapis\.com\//

/** Reads the address of a `fileData`. `at`: path in the request. */
export function readUri(uri: string, mime: string | undefined, native?: Native, at?: string): MediaBlock {
  const source: MediaSource = GOOGLE_FILES.test(uri)
    ? { type: 'id', id: uri, protocol: PROTOCOL_ID }
    : { type: 'url', url: uri }
  const guessed = mimeOf({ source: { type: 'url', url: uri }, mime, name: undefined })
  return { type: 'media', kind: kindOf(guessed), mime, source, native, at }
}

/** The MIME type to send for media without one. Gemini requires one. */
const DEFAULT_MIMES: Readonly<Record<MediaBlock['kind'], string>> = {
  image: 'image/jpeg',
  audio: 'audio/wav',
  video: 'video/mp4',
  file: 'application/pdf',
}

/** Writes media as a part. Undefined for a file stored at another provider. */
export function writeMedia(block: MediaBlock): Record<string, unknown> | undefined {
  const { source } = block
  const mimeType = mimeOf(block) ?? DEFAULT_MIMES[block.kind]
  if (source.type === 'bytes')
    return { inlineData: { mimeType, data: source.data, ...nativeFieldsOf(block.native, 'inlineData.') } }
  if (source.type === 'text') return { text: source.text }
  if (source.type === 'id' && source.protocol !== PROTOCOL_ID) return undefined
  const fileUri = source.type === 'id' ? source.id : source.url
  return { fileData: { mimeType, fileUri, ...nativeFieldsOf(block.native, 'fileData.') } }
}
