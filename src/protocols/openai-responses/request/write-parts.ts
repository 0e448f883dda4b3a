import type { Block, MediaBlock, RefusalBlock, TextBlock } from '../../../chat/blocks.js'
import type { Losses } from '../../../chat/losses.js'
import { fileName, mimeOf, writeDataUrl } from '../../../chat/media.js'
import { writeCitation } from '../answer/citations.js'
import { nativeFields } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'

/**
 * Writes a block as a part of a message of the user or the system, or of a tool's output. Undefined, with a loss, for a
 * block without an equivalent. `at`: the path of the loss, if the block has none.
 */
export function writeInputPart(block: Block, at: string, losses: Losses): object | undefined {
  const part = partOf(block)
  if (!part) {
    losses.noEquivalent(block.at ?? at)
    return undefined
  }
  return { ...part, ...writeCacheMark(block), ...nativeFields(block.native) }
}

/** Writes a block as a part of an assistant message. */
export function writeOutputPart(block: TextBlock | RefusalBlock): object {
  if (block.type === 'refusal') return { type: 'refusal', refusal: block.text }
  const annotations = (block.citations ?? []).map((citation) => writeCitation(citation, block.text)).filter(Boolean)
  return { type: 'output_text', text: block.text, ...(annotations.length > 0 && { annotations }) }
}

function partOf(block: Block): object | undefined {
  if (block.type === 'text' || block.type === 'refusal') return { type: 'input_text', text: block.text }
  return block.type === 'media' ? MEDIA_WRITERS[block.kind](block) : undefined
}

const MEDIA_WRITERS: Readonly<Record<MediaBlock['kind'], (block: MediaBlock) => object | undefined>> = {
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
  return source.type === 'id' && source.protocol === PROTOCOL_ID
    ? { type: 'input_image', detail, file_id: source.id }
    : undefined
}

function writeFile(block: MediaBlock): object | undefined {
  const { source, detail } = block
  const rest = { type: 'input_file', ...(detail && { detail }) }
  if (source.type === 'url') return { ...rest, file_url: source.url }
  if (source.type === 'id') return source.protocol === PROTOCOL_ID ? { ...rest, file_id: source.id } : undefined
  const mime = source.type === 'text' ? 'text/plain' : (mimeOf(block) ?? 'application/pdf')
  const data = source.type === 'text' ? Buffer.from(source.text).toString('base64') : source.data
  return { ...rest, filename: fileName(block.name, mime), file_data: writeDataUrl(mime, data) }
}

const AUDIO_FORMATS = new Map([
  ['audio/wav', 'wav'],
  ['audio/mpeg', 'mp3'],
])

function writeAudio(block: MediaBlock): object | undefined {
  const format = AUDIO_FORMATS.get(mimeOf(block) ?? '')
  if (format === undefined || block.source.type !== 'bytes') return undefined
  return { type: 'input_audio', input_audio: { data: block.source.data, format } }
}

/**
 * Writes a cache mark with one of this protocol's durations. Leaves out the marks of other protocols: OpenAI caches
 * without marks, and older models refuse the field.
 */
function writeCacheMark({ cache }: Block): object | undefined {
  const ttl = cache?.ttl
  return ttl === '30m' || ttl === '12h' ? { prompt_cache_breakpoint: { mode: 'explicit', ttl } } : undefined
}
