import type { Block, MediaBlock, ReasoningBlock, TextBlock } from '../../../chat/blocks.js'
import { sourceOfUrl } from '../../../chat/media.js'
import { readSignature } from '../../../chat/signatures.js'
import type { Field } from '../../field.js'
import { mediaKind } from '../answer/images.js'
import { thinkingText } from '../answer/reasoning-details.js'
import { readCacheMark, readNative } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'

type PartReader = (part: Field) => Block
export type PartReaders = ReadonlyMap<string, PartReader>

/** Parts of a system message. */
export const systemParts: PartReaders = new Map([['text', readText]])

/** Parts of user and tool messages. The last three exist at vLLM, Qwen and Mistral only. */
export const userParts: PartReaders = new Map<string, PartReader>([
  ['text', readText],
  ['image_url', readImage],
  ['input_audio', readAudio],
  ['file', readFile],
  ['video_url', (part) => readUrl(part, 'video_url', 'video')],
  ['audio_url', (part) => readUrl(part, 'audio_url', 'audio')],
  ['document_url', (part) => readUrl(part, 'document_url', 'file')],
])

/** Parts of an assistant message. Only Mistral has `thinking`. */
export const assistantParts: PartReaders = new Map<string, PartReader>([
  ['text', readText],
  ['refusal', readRefusal],
  ['thinking', readThinking],
  ['image_url', readImage],
])

/** Reads content. @throws {RelayError} unless it is a string or a non-empty list of parts */
export function readContent(content: Field, readers: PartReaders): Block[] {
  if (typeof content.value === 'string') return [{ type: 'text', text: content.value, at: content.path }]
  if (content.given && !Array.isArray(content.value)) content.text()
  const parts = content.list()
  if (parts.length === 0) content.fail('at least one part is needed')
  return parts.map((part) => readPart(part, readers))
}

function readPart(part: Field, readers: PartReaders): Block {
  part.object()
  const type = part.get('type')
  const read = readers.get(type.text())
  return read ? read(part) : type.failUnknown()
}

interface CommonFields {
  readonly at: string
  readonly cache: ReturnType<typeof readCacheMark>
  readonly native: ReturnType<typeof readNative>
}

function readCommonFields(part: Field, contentField: string): CommonFields {
  const known = new Set(['type', contentField, 'cache_control', 'prompt_cache_breakpoint'])
  return { at: part.path, cache: readCacheMark(part), native: readNative(part, known) }
}

function readText(part: Field): TextBlock {
  return { type: 'text', text: part.get('text').text(), ...readCommonFields(part, 'text') }
}

function readRefusal(part: Field): Block {
  return { type: 'refusal', text: part.get('refusal').text(), ...readCommonFields(part, 'refusal') }
}

function readThinking(part: Field): ReasoningBlock {
  const { value } = part.get('signature')
  const signature = typeof value === 'string' && value ? readSignature(value, PROTOCOL_ID) : undefined
  return { type: 'reasoning', text: thinkingText(part.get('thinking').value), signature, at: part.path }
}

const IMAGE_DETAILS = ['low', 'high', 'auto', 'original'] as const

function readImage(part: Field): MediaBlock {
  const block = readUrl(part, 'image_url', 'image')
  const detail = part.get('image_url').get('detail')
  return detail.given ? { ...block, detail: detail.oneOf(IMAGE_DETAILS) } : block
}

/** Reads `{ url }`, or the bare URL that some clients send. */
function readUrl(part: Field, name: string, kind: MediaBlock['kind']): MediaBlock {
  const field = part.get(name)
  const url = typeof field.value === 'string' ? field.value : urlOf(field)
  const { source, mime } = sourceOfUrl(url)
  return { type: 'media', kind: mediaKind(mime, kind), mime, source, ...readCommonFields(part, name) }
}

function urlOf(field: Field): string {
  if (field.given) field.object()
  return field.get('url').text()
}

function readAudio(part: Field): MediaBlock {
  const audio = part.get('input_audio')
  const data = audio.get('data').text()
  const mime = `audio/${audio.get('format').maybeText() ?? 'wav'}`.replace('audio/mp3', 'audio/mpeg')
  const parsed = sourceOfUrl(data)
  const source = parsed.mime === undefined ? ({ type: 'bytes', data } as const) : parsed.source
  return { type: 'media', kind: 'audio', mime: parsed.mime ?? mime, source, ...readCommonFields(part, 'input_audio') }
}

function readFile(part: Field): MediaBlock {
  const file = part.get('file')
  file.object()
  const name = file.get('filename').maybeText()
  const id = file.get('file_id').maybeText()
  const rest = { name, ...readCommonFields(part, 'file') }
  if (id !== undefined) {
    return { type: 'media', kind: 'file', source: { type: 'id', id, protocol: PROTOCOL_ID }, ...rest }
  }
  const data = file.get('file_data').text()
  if (!/^(?:data|https?):/i.test(data)) {
    return { type: 'media', kind: 'file', source: { type: 'bytes', data }, ...rest }
  }
  const { source, mime } = sourceOfUrl(data)
  return { type: 'media', kind: mediaKind(mime, 'file'), mime, source, ...rest }
}
