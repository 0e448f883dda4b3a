import type { Block, MediaBlock, MediaSource } from '../../../chat/blocks.js'
import { sourceOfUrl } from '../../../chat/media.js'
import { isObject } from '../../../lib/values.js'
import type { Field } from '../../field.js'
import { readNative } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'

const KNOWN: ReadonlySet<string> = new Set(['type', 'source', 'title', 'cache_control', 'citations'])

type TypedSource = Pick<MediaBlock, 'mime' | 'source'>

const SOURCES = new Map<unknown, (source: Field) => TypedSource>([
  ['base64', (source) => typedSource(source, { type: 'bytes', data: source.get('data').text() })],
  ['url', (source) => sourceOfUrl(source.get('url').text())],
  ['file', (source) => typedSource(source, { type: 'id', id: source.get('file_id').text(), protocol: PROTOCOL_ID })],
  ['text', (source) => typedSource(source, { type: 'text', text: source.get('data').text() })],
])

function typedSource(field: Field, source: MediaSource): TypedSource {
  return { mime: field.get('media_type').maybeText(), source }
}

/** Reads an `image` block. */
export function readImage(block: Field): MediaBlock {
  return { type: 'media', kind: 'image', ...readSource(block.get('source')), native: nativeOf(block) }
}

/** Reads a `document` block. A document made of text blocks becomes plain text; with other nested blocks it stays native. */
export function readDocument(block: Field): Block {
  const source = block.get('source')
  const name = block.get('title').maybeText()
  const common = { type: 'media', kind: 'file', name, native: nativeOf(block) } as const
  if (source.get('type').value !== 'content') return { ...common, ...readSource(source) }
  const text = textOf(source.get('content'))
  if (text === undefined) return { type: 'foreign', protocol: PROTOCOL_ID, kind: 'document', value: block.value }
  return { ...common, mime: 'text/plain', source: { type: 'text', text } }
}

function readSource(source: Field): TypedSource {
  source.object()
  const type = source.get('type')
  const read = SOURCES.get(type.text())
  return read ? read(source) : type.failUnknown()
}

function textOf(content: Field): string | undefined {
  if (typeof content.value === 'string') return content.value
  const parts = content.list().map(({ value }) => (isObject(value) && value.type === 'text' ? value.text : undefined))
  return parts.every((part) => typeof part === 'string') ? parts.join('\n\n') : undefined
}

function nativeOf(block: Field): MediaBlock['native'] {
  const native = readNative(block.value, KNOWN)
  const { citations } = block.object()
  if (!isObject(citations) || citations.enabled !== true) return native
  return { protocol: PROTOCOL_ID, fields: { ...native?.fields, citations } }
}
