import type { Block, Native, ReasoningBlock, ToolCallBlock } from '../../../chat/blocks.js'
import { isObject, textOf } from '../../../lib/values.js'
import { PROTOCOL_ID } from '../traits.js'

type Fields = Readonly<Record<string, unknown>>

/** Reads an item that comes without deltas: an image, or an item that only this protocol has. */
export function readWholeItem(item: Fields): Block {
  const { type, result, output_format: format } = item
  if (type !== 'image_generation_call' || typeof result !== 'string' || result === '') {
    return { type: 'foreign', protocol: PROTOCOL_ID, kind: String(type), value: item }
  }
  const mime = typeof format === 'string' ? `image/${format}` : undefined
  return { type: 'media', kind: 'image', mime, source: { type: 'bytes', data: result } }
}

/** Whether items of this type come in deltas. Other items are read when they are done. */
export function hasDeltas(type: unknown): boolean {
  return type === 'message' || type === 'reasoning' || isToolCall(type)
}

/** Whether items of this type are calls of tools that the client runs. */
export function isToolCall(type: unknown): boolean {
  return type === 'function_call' || type === 'custom_tool_call'
}

/** Reads a tool call without its input. `createId` creates an id for a call without one. */
export function readCallStart(item: Fields, createId: () => string): ToolCallBlock {
  return {
    type: 'tool-call',
    id: textOf(item.call_id) ?? textOf(item.id) ?? createId(),
    name: textOf(item.name) ?? '',
    input: '',
    ...(typeof item.namespace === 'string' && { namespace: item.namespace }),
    ...(item.type === 'custom_tool_call' && { freeform: true }),
  }
}

/** Reads the input of a tool call. Some servers send arguments as an object instead of JSON text. */
export function readCallInput(item: Fields): string {
  const input = item.type === 'custom_tool_call' ? item.input : item.arguments
  return isObject(input) ? JSON.stringify(input) : (textOf(input) ?? '')
}

/** Reads the native fields of a message, for each of its blocks. */
export function readMessageNative({ phase }: Fields): Native | undefined {
  return typeof phase === 'string' ? { protocol: PROTOCOL_ID, fields: { phase } } : undefined
}

/** The text of a content part: a text, a refusal or a summary. */
export function partText(part: unknown): string {
  return isObject(part) ? (textOf(part.text) ?? textOf(part.refusal) ?? '') : ''
}

/** The value if it is a list; else an empty list. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Reads the signature of a reasoning item. Undefined without one. */
export function readItemSignature({ encrypted_content: value, id }: Fields): ReasoningBlock['signature'] {
  if (typeof value !== 'string' || value === '') return undefined
  return { protocol: PROTOCOL_ID, value, id: textOf(id) ?? undefined }
}
