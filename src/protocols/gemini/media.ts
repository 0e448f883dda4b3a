import type { MediaBlock, MediaSource, Native } from '../../chat/blocks.js'
import { mimeOf } from '../../chat/media.js'
import { nativeFieldsOf } from './field-names.js'
import { PROTOCOL_ID } from './traits.js'

/** The kind of what a part holds, by its type or, if it has none, its name. */
export function kindOf(mime: string | undefined): MediaBlock['kind'] {
  const family = /^(image|audio|video)\//.exec(mime ?? '')?.[1]
  return family === 'image' || family === 'audio' || family === 'video' ? family : 'file'
}

/** Bytes from an `inlineData`. */
export function readBytes(data: string, mime: string | undefined, native?: Native, at?: string): MediaBlock {
  const source: MediaSource = { type: 'bytes', data }
  return { type: 'media', kind: kindOf(mimeOf({ source, mime, name: undefined })), mime, source, native, at }
}

/** Google's own places for files: what lies there means nothing to another provider. */
const KEPT = /^gs:\/\/|^files\/|^https:\/\/generativelanguage\.googleapis\.com\//

/** What a `fileData` points to. */
export function readUri(uri: string, mime: string | undefined, native?: Native, at?: string): MediaBlock {
  const source: MediaSource = KEPT.test(uri)
    ? { type: 'id', id: uri, protocol: PROTOCOL_ID }
    : { type: 'url', url: uri }
  const seen = mimeOf({ source: { type: 'url', url: uri }, mime, name: undefined })
  return { type: 'media', kind: kindOf(seen), mime, source, native, at }
}

const USUAL: Readonly<Record<MediaBlock['kind'], string>> = {
  image: 'image/jpeg',
  audio: 'audio/wav',
  video: 'video/mp4',
  file: 'application/pdf',
}

/** A part for it; undefined for a file that another provider keeps. */
export function writeMedia(block: MediaBlock): Record<string, unknown> | undefined {
  const { source } = block
  const mimeType = mimeOf(block) ?? USUAL[block.kind]
  if (source.type === 'bytes')
    return { inlineData: { mimeType, data: source.data, ...nativeFieldsOf(block.native, 'inlineData.') } }
  if (source.type === 'text') return { text: source.text }
  if (source.type === 'id' && source.protocol !== PROTOCOL_ID) return undefined
  const fileUri = source.type === 'id' ? source.id : source.url
  return { fileData: { mimeType, fileUri, ...nativeFieldsOf(block.native, 'fileData.') } }
}
