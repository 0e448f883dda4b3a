import type { Block, MediaBlock } from '../../chat/blocks.js'
import type { Losses } from '../../chat/losses.js'
import { mimeOf, writeDataUrl } from '../../chat/media.js'
import { ID, ownFields } from './native.js'

/** A part of a message of the user or the system, or of what a tool gave. What cannot be said is declared at `at`. */
export function writeInputPart(block: Block, at: string, losses: Losses): object | undefined {
  const part = inputPart(block)
  if (!part) {
    losses.unsayable(block.at ?? at)
    return undefined
  }
  losses.foreign(block.native, block.at ?? at)
  return { ...part, ...writeCache(block), ...ownFields(block.native) }
}

/** A part of what the assistant said. */
export function writeOutputPart(block: Extract<Block, { type: 'text' | 'refusal' }>): object {
  if (block.type === 'refusal') return { type: 'refusal', refusal: block.text }
  return { type: 'output_text', text: block.text }
}

function inputPart(block: Block): object | undefined {
  if (block.type === 'text' || block.type === 'refusal') return { type: 'input_text', text: block.text }
  return block.type === 'media' ? MEDIA[block.kind](block) : undefined
}

const MEDIA: Readonly<Record<MediaBlock['kind'], (block: MediaBlock) => object | undefined>> = {
  image: writeImage,
  file: writeFile,
  audio: writeAudio,
  video: () => undefined,
}

function writeImage(block: MediaBlock): object | undefined {
  const { source, detail = 'auto' } = block
  if (source.type === 'bytes') {
    return { type: 'input_image', detail, image_url: writeDataUrl(mimeOf(block) ?? 'image/png', source.data) }
  }
  if (source.type === 'url') return { type: 'input_image', detail, image_url: source.url }
  return source.type === 'id' && source.protocol === ID
    ? { type: 'input_image', detail, file_id: source.id }
    : undefined
}

function writeFile(block: MediaBlock): object | undefined {
  const { source, detail, name } = block
  const closely = detail && { detail }
  if (source.type === 'text') return { type: 'input_text', text: name ? `${name}\n\n${source.text}` : source.text }
  if (source.type === 'url') return { type: 'input_file', ...closely, file_url: source.url }
  if (source.type === 'id') {
    return source.protocol === ID ? { type: 'input_file', ...closely, file_id: source.id } : undefined
  }
  const mime = mimeOf(block) ?? 'application/pdf'
  // The provider tells the kind of a file by its name.
  const filename = name ?? `file.${mime === 'text/plain' ? 'txt' : mime.replace(/^.*\/(?:x-)?/, '')}`
  return { type: 'input_file', ...closely, filename, file_data: writeDataUrl(mime, source.data) }
}

const AUDIO = new Map([
  ['audio/wav', 'wav'],
  ['audio/mpeg', 'mp3'],
])

function writeAudio(block: MediaBlock): object | undefined {
  const format = AUDIO.get(mimeOf(block) ?? '')
  if (format === undefined || block.source.type !== 'bytes') return undefined
  return { type: 'input_audio', input_audio: { data: block.source.data, format } }
}

/** A mark of another language's kind is left out: this one caches by itself, and old models refuse the field. */
function writeCache({ cache }: Block): object | undefined {
  const ttl = cache?.ttl
  return ttl === '30m' || ttl === '12h' ? { prompt_cache_breakpoint: { mode: 'explicit', ttl } } : undefined
}
