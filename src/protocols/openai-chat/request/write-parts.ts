import type { Block, MediaBlock } from '../../../chat/blocks.js'
import { fileName, mimeOf, writeDataUrl } from '../../../chat/media.js'
import type { Turn } from '../../../chat/request.js'
import type { WriteOptions } from '../../protocol.js'
import { imageUrl } from '../answer/images.js'
import { writeNative } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'

/** Writes a block as a content part of a user message. Empty, with a loss, for a block without an equivalent. */
export function writePart(block: Block, turn: Pick<Turn, 'at'>, { losses }: WriteOptions): object[] {
  const part = partOf(block)
  if (part) return [{ ...part, ...writeNative(block.native) }]
  losses.noEquivalent(block.at ?? turn.at ?? 'messages')
  return []
}

function partOf(block: Block): object | undefined {
  if (block.type === 'text' || block.type === 'refusal') return { type: 'text', text: block.text }
  if (block.type === 'media') return MEDIA_WRITERS[block.kind](block)
  return block.type === 'foreign' && block.protocol === PROTOCOL_ID ? (block.value as object) : undefined
}

const MEDIA_WRITERS: Readonly<Record<MediaBlock['kind'], (block: MediaBlock) => object | undefined>> = {
  image: writeImage,
  audio: writeAudio,
  file: writeFile,
  video: () => undefined,
}

function writeImage(block: MediaBlock): object | undefined {
  const url = imageUrl(block)
  return url === undefined ? undefined : { type: 'image_url', image_url: { url, detail: block.detail } }
}

const AUDIO_FORMATS = new Map([
  ['audio/wav', 'wav'],
  ['audio/mpeg', 'mp3'],
])

function writeAudio(block: MediaBlock): object | undefined {
  const format = AUDIO_FORMATS.get(mimeOf(block) ?? '')
  if (block.source.type !== 'bytes' || format === undefined) return undefined
  return { type: 'input_audio', input_audio: { data: block.source.data, format } }
}

function writeFile(block: MediaBlock): object | undefined {
  const { source, name } = block
  if (source.type === 'text') return { type: 'text', text: source.text }
  if (source.type === 'id') {
    return source.protocol === PROTOCOL_ID ? { type: 'file', file: { file_id: source.id } } : undefined
  }
  if (source.type === 'url') return undefined
  const mime = mimeOf(block) ?? 'application/pdf'
  return { type: 'file', file: { filename: fileName(name, mime), file_data: writeDataUrl(mime, source.data) } }
}
