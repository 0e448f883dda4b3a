import type { Block, MediaBlock, ReasoningBlock, TextBlock } from '../../chat/blocks.js'
import { sourceOfUrl } from '../../chat/media.js'
import { readSignature } from '../../chat/signatures.js'
import { isObject } from '../../lib/values.js'
import type { Field } from '../field.js'
import { LANGUAGE } from './language.js'
import { readCache, readNative } from './native.js'

type PartReader = (part: Field) => Block
export type PartReaders = ReadonlyMap<string, PartReader>

/** What a system message may hold. */
export const systemParts: PartReaders = new Map([['text', readText]])

/** What users and tools may say. The last three are words of vLLM, Qwen and Mistral. */
export const userParts: PartReaders = new Map<string, PartReader>([
  ['text', readText],
  ['image_url', readImage],
  ['input_audio', readAudio],
  ['file', readFile],
  ['video_url', (part) => readUrl(part, 'video_url', 'video')],
  ['audio_url', (part) => readUrl(part, 'audio_url', 'audio')],
  ['document_url', (part) => readUrl(part, 'document_url', 'file')],
])

/** What a model may have said. `thinking` is Mistral's. */
export const assistantParts: PartReaders = new Map<string, PartReader>([
  ['text', readText],
  ['refusal', readRefusal],
  ['thinking', readThinking],
  ['image_url', readImage],
])

/** Content as a string or a list of parts. @throws {RelayError} for neither, and for an empty list */
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
  return read ? read(part) : type.unknown()
}

interface Common {
  readonly at: string
  readonly cache: ReturnType<typeof readCache>
  readonly native: ReturnType<typeof readNative>
}

function common(part: Field, own: string): Common {
  const known = new Set(['type', own, 'cache_control', 'prompt_cache_breakpoint'])
  return { at: part.path, cache: readCache(part), native: readNative(part, known) }
}

function readText(part: Field): TextBlock {
  return { type: 'text', text: part.get('text').text(), ...common(part, 'text') }
}

function readRefusal(part: Field): Block {
  return { type: 'refusal', text: part.get('refusal').text(), ...common(part, 'refusal') }
}

function readThinking(part: Field): ReasoningBlock {
  const { value: proof } = part.get('signature')
  const signature = typeof proof === 'string' && proof ? readSignature(proof, LANGUAGE) : undefined
  return { type: 'reasoning', text: thinkingText(part.get('thinking').value), signature, at: part.path }
}

/** Mistral's thinking: a string, or a list of text parts. */
export function thinkingText(thinking: unknown): string {
  if (typeof thinking === 'string') return thinking
  const parts: unknown[] = Array.isArray(thinking) ? thinking : []
  return parts.map((part) => (isObject(part) && typeof part.text === 'string' ? part.text : '')).join('')
}

const DETAILS = ['low', 'high', 'auto', 'original'] as const

function readImage(part: Field): MediaBlock {
  const block = readUrl(part, 'image_url', 'image')
  const detail = part.get('image_url').get('detail')
  return detail.given ? { ...block, detail: detail.oneOf(DETAILS) } : block
}

/** `{ url }`, or, as some have it, the URL itself. */
function readUrl(part: Field, name: string, kind: MediaBlock['kind']): MediaBlock {
  const place = part.get(name)
  const url = typeof place.value === 'string' ? place.value : urlOf(place)
  const { source, mime } = sourceOfUrl(url)
  return { type: 'media', kind: kindOf(mime, kind), mime, source, ...common(part, name) }
}

function urlOf(place: Field): string {
  if (place.given) place.object()
  return place.get('url').text()
}

/** A data URL may hold something else than its part's name says. */
export function kindOf(mime: string | undefined, kind: MediaBlock['kind']): MediaBlock['kind'] {
  const [, family] = /^(image|audio|video)\//.exec(mime ?? '') ?? []
  if (family) return family as MediaBlock['kind']
  return mime?.startsWith('application/pdf') || mime?.startsWith('text/') ? 'file' : kind
}

function readAudio(part: Field): MediaBlock {
  const audio = part.get('input_audio')
  const data = audio.get('data').text()
  const mime = `audio/${audio.get('format').maybeText() ?? 'wav'}`.replace('audio/mp3', 'audio/mpeg')
  const held = sourceOfUrl(data)
  const source = held.mime === undefined ? ({ type: 'bytes', data } as const) : held.source
  return { type: 'media', kind: 'audio', mime: held.mime ?? mime, source, ...common(part, 'input_audio') }
}

function readFile(part: Field): MediaBlock {
  const file = part.get('file')
  file.object()
  const name = file.get('filename').maybeText()
  const id = file.get('file_id').maybeText()
  const rest = { name, ...common(part, 'file') }
  if (id !== undefined) {
    return { type: 'media', kind: 'file', source: { type: 'id', id, protocol: LANGUAGE }, ...rest }
  }
  const data = file.get('file_data').text()
  if (!/^(?:data|https?):/i.test(data)) {
    return { type: 'media', kind: 'file', source: { type: 'bytes', data }, ...rest }
  }
  const { source, mime } = sourceOfUrl(data)
  return { type: 'media', kind: kindOf(mime, 'file'), mime, source, ...rest }
}
