import type { Block, Citation, Native } from '../../chat/blocks.js'
import { isObject, textOf } from '../../lib/values.js'
import { readCitation } from './citations.js'
import { ID } from './native.js'

type Fields = Readonly<Record<string, unknown>>

/** Makes ids where the language gives none. */
export type MakeId = () => string

/** An item of an answer, whole, as blocks. */
export function readItem(item: Fields, makeId: MakeId): Block[] {
  const read = ITEMS.get(String(item.type))
  if (read) return read(item, makeId)
  return [{ type: 'foreign', protocol: ID, kind: String(item.type), value: item }]
}

/** Which items grow piece by piece in a stream, and so are read before they are whole. */
export function isGrowing(type: unknown): boolean {
  return type === 'message' || type === 'reasoning' || isCall(type)
}

/** Whether it is for the client to run. */
export function isCall(type: unknown): boolean {
  return type === 'function_call' || type === 'custom_tool_call'
}

const ITEMS: ReadonlyMap<string, (item: Fields, makeId: MakeId) => Block[]> = new Map<string, typeof readCall>([
  ['message', readMessage],
  ['reasoning', readReasoning],
  ['function_call', readCall],
  ['custom_tool_call', readCall],
  ['image_generation_call', readImage],
])

function readCall(item: Fields, makeId: MakeId): Block[] {
  return [{ ...openCall(item, makeId), input: callInput(item) }]
}

/** A call at its beginning. */
export function openCall(item: Fields, makeId: MakeId): Extract<Block, { type: 'tool-call' }> {
  return {
    type: 'tool-call',
    id: textOf(item.call_id) ?? textOf(item.id) ?? makeId(),
    name: textOf(item.name) ?? '',
    input: '',
    ...(typeof item.namespace === 'string' && { namespace: item.namespace }),
    ...(item.type === 'custom_tool_call' && { freeform: true }),
  }
}

/** What a call was given, so far as it stands in its item. */
export function callInput(item: Fields): string {
  const input = item.type === 'custom_tool_call' ? item.input : item.arguments
  // Some servers give the object itself.
  return isObject(input) ? JSON.stringify(input) : (textOf(input) ?? '')
}

/** What a message's texts have in common. */
export function messageNative({ phase }: Fields): Native | undefined {
  return typeof phase === 'string' ? { protocol: ID, fields: { phase } } : undefined
}

/** The text of a part: of a text, a refusal, a summary. */
export function partText(part: unknown): string {
  return isObject(part) ? (textOf(part.text) ?? textOf(part.refusal) ?? '') : ''
}

/** The list under a name; empty for anything else. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function readMessage(item: Fields): Block[] {
  const native = messageNative(item)
  return listOf(item.content).flatMap((part): Block[] => {
    const text = partText(part)
    if (text === '' || !isObject(part)) return []
    if (part.type === 'refusal') return [{ type: 'refusal', text, ...(native && { native }) }]
    const citations = listOf(part.annotations)
      .map((annotation) => readCitation(annotation, text))
      .filter((citation): citation is Citation => citation !== undefined)
    return [{ type: 'text', text, ...(citations.length > 0 && { citations }), ...(native && { native }) }]
  })
}

function readReasoning(item: Fields): Block[] {
  const signature = signatureOf(item)
  const texts = [...listOf(item.summary), ...listOf(item.content)].map(partText).filter((text) => text !== '')
  if (texts.length === 0) return signature ? [{ type: 'reasoning', text: '', signature }] : []
  return texts.map((text, at) => ({
    type: 'reasoning',
    text,
    ...(at === texts.length - 1 && signature && { signature }),
  }))
}

/** The seal of a reasoning item. */
export function signatureOf({
  encrypted_content: value,
  id,
}: Fields): Extract<Block, { type: 'reasoning' }>['signature'] {
  if (typeof value !== 'string' || value === '') return undefined
  return { protocol: ID, value, id: textOf(id) ?? undefined }
}

function readImage(item: Fields): Block[] {
  const { result, output_format: format } = item
  if (typeof result !== 'string' || result === '') {
    return [{ type: 'foreign', protocol: ID, kind: 'image_generation_call', value: item }]
  }
  const mime = typeof format === 'string' ? `image/${format}` : undefined
  return [{ type: 'media', kind: 'image', mime, source: { type: 'bytes', data: result } }]
}
