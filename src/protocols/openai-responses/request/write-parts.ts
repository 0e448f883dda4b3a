import type { Block, MediaBlock } from '../../../chat/blocks.js'
import type { Losses } from '../../../chat/losses.js'
import { fileName, mimeOf, writeDataUrl } from '../../../chat/media.js'
import { writeCitation } from '../answer/citations.js'
import { ID, ownFields } from '../native.js'

/** A part of a message of the user or the system, or of what a tool gave. What cannot be said is declared at `at`. */
export function writeInputPart(block: Block, at: string, losses: Losses): object | undefined {
  const part = inputPart(block)
  if (!part) {
    losses.noEquivalent(block.at ?? at)
    return undefined
  }
  return { ...part, ...writeCache(block), ...ownFields(block.native) }
}

/** A part of what the assistant said. */
export function writeOutputPart(block: Extract<Block, { type: 'text' | 'refusal' }>): object {
  if (block.type === 'refusal') return { type: 'refusal', refusal: block.text }
  const annotations = (block.citations ?? []).map((citation) => writeCitation(citation, block.text)).filter(Boolean)
  return { type: 'output_text', text: block.text, ...(annotations.length > 0 && { annotations }) }
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
  const { source, detail } = block
  const around = { type: 'input_file', ...(detail && { detail }) }
  if (source.type === 'url') return { ...around, file_url: source.url }
  if (source.type === 'id') return source.protocol === ID ? { ...around, file_id: source.id } : undefined
  const mime = source.type === 'text' ? 'text/plain' : (mimeOf(block) ?? 'application/pdf')
  const data = source.type === 'text' ? Buffer.from(source.text).toString('base64') : source.data
  return { ...around, filename: fileName(block.name, mime), file_data: writeDataUrl(mime, data) }
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
