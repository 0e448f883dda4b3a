import type { Block, CacheMark, Citation, MediaBlock } from '../../../chat/blocks.js'
import { readDataUrl, sourceOfUrl } from '../../../chat/media.js'
import type { Field } from '../../field.js'
import { readCitation } from '../answer/citations.js'
import { ID, nativeOf } from '../native.js'

/** The content of a caller's message, or what a tool gave: a string, or parts. */
export function readParts(content: Field): Block[] {
  if (typeof content.value === 'string') return [{ type: 'text', text: content.value, at: content.path }]
  return content.list().map(readPart)
}

function readPart(part: Field): Block {
  const type = part.get('type')
  const read = PARTS.get(type.text())
  return read ? read(part) : type.failUnknown()
}

/** Clients write the words of either side for text. */
const PARTS: ReadonlyMap<string, (part: Field) => Block> = new Map([
  ['input_text', readText],
  ['output_text', readText],
  ['text', readText],
  ['refusal', readRefusal],
  ['input_image', readImage],
  ['input_file', readFile],
  ['input_audio', readAudio],
])

const COMMON = ['type', 'prompt_cache_breakpoint']
const TEXT = new Set([...COMMON, 'text', 'annotations', 'logprobs'])
const REFUSAL = new Set([...COMMON, 'refusal'])
const IMAGE = new Set([...COMMON, 'image_url', 'file_id', 'detail'])
const FILE = new Set([...COMMON, 'file_data', 'file_url', 'file_id', 'filename', 'detail'])
const AUDIO = new Set([...COMMON, 'input_audio'])

function common(part: Field, known: ReadonlySet<string>): Pick<Block, 'at' | 'cache' | 'native'> {
  return {
    at: part.path,
    cache: readCache(part.get('prompt_cache_breakpoint')),
    native: nativeOf(part.object(), known),
  }
}

function readCache(mark: Field): CacheMark | undefined {
  return mark.maybeObject() && { ttl: mark.get('ttl').maybeText() }
}

function readText(part: Field): Block {
  const text = part.get('text').text()
  const citations = part
    .get('annotations')
    .maybeList()
    .map((annotation) => readCitation(annotation.object(), text))
    .filter((citation): citation is Citation => citation !== undefined)
  return { type: 'text', text, citations: citations.length > 0 ? citations : undefined, ...common(part, TEXT) }
}

function readRefusal(part: Field): Block {
  return { type: 'refusal', text: part.get('refusal').text(), ...common(part, REFUSAL) }
}

const DETAILS = ['low', 'high', 'auto', 'original'] as const

function readImage(part: Field): MediaBlock {
  const url = part.get('image_url')
  const detail = part.get('detail')
  const around = {
    type: 'media',
    kind: 'image',
    detail: detail.given ? detail.oneOf(DETAILS) : undefined,
    ...common(part, IMAGE),
  } as const
  if (!url.given && part.get('file_id').given) return { ...around, source: readId(part) }
  return { ...around, ...sourceOfUrl(url.text()) }
}

function readFile(part: Field): MediaBlock {
  const detail = part.get('detail')
  const around = {
    type: 'media',
    kind: 'file',
    name: part.get('filename').maybeText(),
    detail: detail.given ? detail.oneOf(DETAILS) : undefined,
    ...common(part, FILE),
  } as const
  if (part.get('file_id').given) return { ...around, source: readId(part) }
  const url = part.get('file_url').maybeText()
  if (url !== undefined) return { ...around, ...sourceOfUrl(url) }
  const data = part.get('file_data').text()
  const held = readDataUrl(data)
  return { ...around, mime: held?.mime, source: { type: 'bytes', data: held?.data ?? data } }
}

function readAudio(part: Field): MediaBlock {
  const audio = part.get('input_audio')
  const format = audio.get('format').oneOf(['wav', 'mp3'])
  return {
    type: 'media',
    kind: 'audio',
    mime: format === 'mp3' ? 'audio/mpeg' : 'audio/wav',
    source: { type: 'bytes', data: audio.get('data').text() },
    ...common(part, AUDIO),
  }
}

function readId(part: Field): MediaBlock['source'] {
  return { type: 'id', id: part.get('file_id').text(), protocol: ID }
}
