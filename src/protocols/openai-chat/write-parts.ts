import type { Block, MediaBlock } from '../../chat/blocks.js'
import { fileName, mimeOf, writeDataUrl } from '../../chat/media.js'
import type { Turn } from '../../chat/request.js'
import type { WriteOptions } from '../protocol.js'
import { LANGUAGE } from './language.js'
import { writeNative } from './native.js'

/** A block of the user as a content part; none if it cannot be said. */
export function writePart(block: Block, turn: Pick<Turn, 'at'>, { losses }: WriteOptions): object[] {
  const at = block.at ?? turn.at ?? 'messages'
  const part = partOf(block)
  if (part) return [{ ...part, ...writeNative(block.native) }]
  losses.noEquivalent(at)
  return []
}

function partOf(block: Block): object | undefined {
  if (block.type === 'text' || block.type === 'refusal') return { type: 'text', text: block.text }
  if (block.type === 'media') return MEDIA[block.kind](block)
  return block.type === 'foreign' && block.protocol === LANGUAGE ? (block.value as object) : undefined
}

const MEDIA: Readonly<Record<MediaBlock['kind'], (block: MediaBlock) => object | undefined>> = {
  image: writeImage,
  audio: writeAudio,
  file: writeFile,
  video: () => undefined,
}

/** The URL of an image: its own, or its bytes. */
export function imageUrl(block: MediaBlock): string | undefined {
  const { source } = block
  if (source.type === 'url') return source.url
  return source.type === 'bytes' ? writeDataUrl(mimeOf(block) ?? 'image/png', source.data) : undefined
}

function writeImage(block: MediaBlock): object | undefined {
  const url = imageUrl(block)
  return url === undefined ? undefined : { type: 'image_url', image_url: { url, detail: block.detail } }
}

const AUDIO = new Map([
  ['audio/wav', 'wav'],
  ['audio/mpeg', 'mp3'],
])

function writeAudio(block: MediaBlock): object | undefined {
  const format = AUDIO.get(mimeOf(block) ?? '')
  if (block.source.type !== 'bytes' || format === undefined) return undefined
  return { type: 'input_audio', input_audio: { data: block.source.data, format } }
}

function writeFile(block: MediaBlock): object | undefined {
  const { source, name } = block
  if (source.type === 'text') return { type: 'text', text: source.text }
  if (source.type === 'id') {
    return source.protocol === LANGUAGE ? { type: 'file', file: { file_id: source.id } } : undefined
  }
  if (source.type === 'url') return undefined
  const mime = mimeOf(block) ?? 'application/pdf'
  return { type: 'file', file: { filename: fileName(name, mime), file_data: writeDataUrl(mime, source.data) } }
}
