import type { Block, CacheMark, Citation, MediaBlock } from '../../../chat/blocks.js'
import { readDataUrl, sourceOfUrl } from '../../../chat/media.js'
import type { Field } from '../../field.js'
import { readCitation } from '../answer/citations.js'
import { readNative } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'

/** Reads the content of a message or tool result: a string, or parts. @throws {RelayError} */
export function readParts(content: Field): Block[] {
  if (typeof content.value === 'string') return [{ type: 'text', text: content.value, at: content.path }]
  return content.list().map(readPart)
}

function readPart(part: Field): Block {
  const type = part.get('type')
  const read = PART_READERS.get(type.text())
  return read ? read(part) : type.failUnknown()
}

/** Clients use the types of input and output text for either role. */
const PART_READERS: ReadonlyMap<string, (part: Field) => Block> = new Map([
  ['input_text', readText],
  ['output_text', readText],
  ['text', readText],
  ['refusal', readRefusal],
  ['input_image', readImage],
  ['input_file', readFile],
  ['input_audio', readAudio],
])

const COMMON_FIELDS = ['type', 'prompt_cache_breakpoint']
const TEXT_FIELDS = new Set([...COMMON_FIELDS, 'text', 'annotations', 'logprobs'])
const REFUSAL_FIELDS = new Set([...COMMON_FIELDS, 'refusal'])
const IMAGE_FIELDS = new Set([...COMMON_FIELDS, 'image_url', 'file_id', 'detail'])
const FILE_FIELDS = new Set([...COMMON_FIELDS, 'file_data', 'file_url', 'file_id', 'filename', 'detail'])
const AUDIO_FIELDS = new Set([...COMMON_FIELDS, 'input_audio'])

function readCommonFields(part: Field, known: ReadonlySet<string>): Pick<Block, 'at' | 'cache' | 'native'> {
  return {
    at: part.path,
    cache: readCacheMark(part.get('prompt_cache_breakpoint')),
    native: readNative(part.object(), known),
  }
}

function readCacheMark(mark: Field): CacheMark | undefined {
  return mark.maybeObject() && { ttl: mark.get('ttl').maybeText() }
}

function readText(part: Field): Block {
  const text = part.get('text').text()
  const citations = part
    .get('annotations')
    .maybeList()
    .map((annotation) => readCitation(annotation.object(), text))
    .filter((citation): citation is Citation => citation !== undefined)
  return {
    type: 'text',
    text,
    citations: citations.length > 0 ? citations : undefined,
    ...readCommonFields(part, TEXT_FIELDS),
  }
}

function readRefusal(part: Field): Block {
  return { type: 'refusal', text: part.get('refusal').text(), ...readCommonFields(part, REFUSAL_FIELDS) }
}

const IMAGE_DETAILS = ['low', 'high', 'auto', 'original'] as const

function readImage(part: Field): MediaBlock {
  const url = part.get('image_url')
  const detail = part.get('detail')
  const rest = {
    type: 'media',
    kind: 'image',
    detail: detail.given ? detail.oneOf(IMAGE_DETAILS) : undefined,
    ...readCommonFields(part, IMAGE_FIELDS),
  } as const
  if (!url.given && part.get('file_id').given) return { ...rest, source: readFileId(part) }
  return { ...rest, ...sourceOfUrl(url.text()) }
}

function readFile(part: Field): MediaBlock {
  const detail = part.get('detail')
  const rest = {
    type: 'media',
    kind: 'file',
    name: part.get('filename').maybeText(),
    detail: detail.given ? detail.oneOf(IMAGE_DETAILS) : undefined,
    ...readCommonFields(part, FILE_FIELDS),
  } as const
  if (part.get('file_id').given) return { ...rest, source: readFileId(part) }
  const url = part.get('file_url').maybeText()
  if (url !== undefined) return { ...rest, ...sourceOfUrl(url) }
  const data = part.get('file_data').text()
  const dataUrl = readDataUrl(data)
  return { ...rest, mime: dataUrl?.mime, source: { type: 'bytes', data: dataUrl?.data ?? data } }
}

function readAudio(part: Field): MediaBlock {
  const audio = part.get('input_audio')
  const format = audio.get('format').oneOf(['wav', 'mp3'])
  return {
    type: 'media',
    kind: 'audio',
    mime: format === 'mp3' ? 'audio/mpeg' : 'audio/wav',
    source: { type: 'bytes', data: audio.get('data').text() },
    ...readCommonFields(part, AUDIO_FIELDS),
  }
}

function readFileId(part: Field): MediaBlock['source'] {
  return { type: 'id', id: part.get('file_id').text(), protocol: PROTOCOL_ID }
}
