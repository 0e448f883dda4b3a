import type { Block, Native } from '../../../chat/blocks.js'
import { isObject, textOf } from '../../../lib/values.js'
import { ID } from '../native.js'

type Fields = Readonly<Record<string, unknown>>

/** Makes ids where the language gives none. */
export type MakeId = () => string

/** An item that comes whole: an image, or what only this language has. */
export function readWholeItem(item: Fields): Block {
  const { type, result, output_format: format } = item
  if (type !== 'image_generation_call' || typeof result !== 'string' || result === '') {
    return { type: 'foreign', protocol: ID, kind: String(type), value: item }
  }
  const mime = typeof format === 'string' ? `image/${format}` : undefined
  return { type: 'media', kind: 'image', mime, source: { type: 'bytes', data: result } }
}

/** Which items grow piece by piece in a stream, and so are read before they are whole. */
export function isGrowing(type: unknown): boolean {
  return type === 'message' || type === 'reasoning' || isCall(type)
}

/** Whether it is for the client to run. */
export function isCall(type: unknown): boolean {
  return type === 'function_call' || type === 'custom_tool_call'
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

/** The seal of a reasoning item. */
export function signatureOf({
  encrypted_content: value,
  id,
}: Fields): Extract<Block, { type: 'reasoning' }>['signature'] {
  if (typeof value !== 'string' || value === '') return undefined
  return { protocol: ID, value, id: textOf(id) ?? undefined }
}
