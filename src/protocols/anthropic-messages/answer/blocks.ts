import type { Block, TextBlock, ToolCallBlock } from '../../../chat/blocks.js'
import { objectText, withRaw } from '../../../lib/json.js'
import { isObject, textOf } from '../../../lib/values.js'
import { writeCache } from '../cache-control.js'
import { ID, ownFields, ownFieldsOf } from '../native.js'
import { readCitations } from './citations.js'
import { readRedacted, readThinkingSignature } from './signatures.js'

type Fields = Readonly<Record<string, unknown>>

const KNOWN_IN_TEXT: ReadonlySet<string> = new Set(['type', 'text', 'citations', 'cache_control'])
const KNOWN_IN_CALL: ReadonlySet<string> = new Set(['type', 'id', 'name', 'input', 'caller', 'cache_control'])

/** What the model says: each kind of block with a neutral word. The rest is foreign. */
const READERS = new Map<unknown, (block: Fields) => Block>([
  ['text', readText],
  ['thinking', readThinking],
  ['redacted_thinking', (block) => ({ type: 'reasoning', text: '', signature: readRedacted(stringOf(block.data)) })],
  ['tool_use', readCall],
])

/** A block that a model wrote, in an answer or in the history; `callId` for a call that has no id of its own. */
export function readBlock(value: Fields, callId?: string): Block {
  const block = READERS.get(value.type)?.(value) ?? foreign(value)
  return block.type === 'tool-call' && block.id === '' && callId ? { ...block, id: callId } : block
}

function readText(block: Fields): TextBlock {
  const citations = readCitations(block.citations)
  return { type: 'text', text: stringOf(block.text), citations, native: ownFields(block, KNOWN_IN_TEXT) }
}

function readThinking(block: Fields): Block {
  return { type: 'reasoning', text: stringOf(block.thinking), signature: readThinkingSignature(block.signature) }
}

/** A call's beginning: all but its input. */
export function readCallHead(block: Fields): ToolCallBlock {
  const own = ownFields(block, KNOWN_IN_CALL)
  const { caller } = block
  // A call by a program of the model's goes back as such; a direct one is what every call is.
  const called = isObject(caller) && caller.type !== 'direct'
  const native = called ? { protocol: ID, fields: { ...own?.fields, caller } } : own
  return { type: 'tool-call', id: stringOf(block.id), name: stringOf(block.name), input: '', native }
}

function readCall(block: Fields): ToolCallBlock {
  return { ...readCallHead(block), input: JSON.stringify(block.input ?? {}) }
}

function foreign(value: Fields): Block {
  return { type: 'foreign', protocol: ID, kind: textOf(value.type) ?? 'unknown', value }
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The JSON text of a `tool_use` block: its input stays as the model wrote it, when it is an object. */
export function writeCall({ id, name, input, cache, native }: ToolCallBlock, more: object = {}): string {
  const head = { type: 'tool_use', id, name, ...more, ...ownFieldsOf(native), ...writeCache(cache) }
  return withRaw(head, 'input', inputOf(input))
}

function inputOf(input: string): string {
  if (input.trim() === '') return '{}'
  return objectText(input) ?? JSON.stringify({ _raw: input })
}

/** Whether the model itself calls a tool of the caller's, as opposed to code that it runs at its provider. */
export function isDirectCall({ type, caller }: Readonly<Record<string, unknown>>): boolean {
  return type === 'tool_use' && !(isObject(caller) && caller.type !== 'direct')
}
