import type { Block, TextBlock, ToolCallBlock } from '../../../chat/blocks.js'
import { objectText, withRaw } from '../../../lib/json.js'
import { isObject, textOf } from '../../../lib/values.js'
import { writeCache } from '../cache-control.js'
import { nativeFields, readNative } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'
import { readCitations } from './citations.js'
import { readRedacted, readThinkingSignature } from './signatures.js'

type Fields = Readonly<Record<string, unknown>>

const KNOWN_IN_TEXT: ReadonlySet<string> = new Set(['type', 'text', 'citations', 'cache_control'])
const KNOWN_IN_CALL: ReadonlySet<string> = new Set(['type', 'id', 'name', 'input', 'caller', 'cache_control'])

/** Readers of the blocks that other protocols know too. All others become foreign blocks. */
const READERS = new Map<unknown, (block: Fields) => Block>([
  ['text', readText],
  ['thinking', readThinking],
  ['redacted_thinking', (block) => ({ type: 'reasoning', text: '', signature: readRedacted(stringOf(block.data)) })],
  ['tool_use', readCall],
])

/** Reads a block that a model wrote, in an answer or in the history. `callId` is the id for a call that has none. */
export function readBlock(value: Fields, callId?: string): Block {
  const block = READERS.get(value.type)?.(value) ?? foreignBlock(value)
  return block.type === 'tool-call' && block.id === '' && callId ? { ...block, id: callId } : block
}

function readText(block: Fields): TextBlock {
  const citations = readCitations(block.citations)
  return { type: 'text', text: stringOf(block.text), citations, native: readNative(block, KNOWN_IN_TEXT) }
}

function readThinking(block: Fields): Block {
  return { type: 'reasoning', text: stringOf(block.thinking), signature: readThinkingSignature(block.signature) }
}

/** Reads a call without its input. */
export function readCallHead(block: Fields): ToolCallBlock {
  const own = readNative(block, KNOWN_IN_CALL)
  const { caller } = block
  // A call made by the model's code must go back with its `caller`. A direct call needs none.
  const isByCode = isObject(caller) && caller.type !== 'direct'
  const native = isByCode ? { protocol: PROTOCOL_ID, fields: { ...own?.fields, caller } } : own
  return { type: 'tool-call', id: stringOf(block.id), name: stringOf(block.name), input: '', native }
}

function readCall(block: Fields): ToolCallBlock {
  return { ...readCallHead(block), input: JSON.stringify(block.input ?? {}) }
}

function foreignBlock(value: Fields): Block {
  return { type: 'foreign', protocol: PROTOCOL_ID, kind: textOf(value.type) ?? 'unknown', value }
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Writes a `tool_use` block as JSON text. An input that is an object keeps its exact text. */
export function writeCall({ id, name, input, cache, native }: ToolCallBlock, more: object = {}): string {
  const head = { type: 'tool_use', id, name, ...more, ...nativeFields(native), ...writeCache(cache) }
  return withRaw(head, 'input', inputOf(input))
}

function inputOf(input: string): string {
  if (input.trim() === '') return '{}'
  return objectText(input) ?? JSON.stringify({ _raw: input })
}

/** Whether a block holds neither text nor a signature. Clients would send it back, and Anthropic refuses empty text. */
export function isEmptyBlock(block: Block): boolean {
  if (block.type === 'reasoning') return block.text === '' && !block.signature
  return (block.type === 'text' || block.type === 'refusal') && block.text === ''
}

/** Whether the model itself calls a client's tool, not code that it runs at the provider. */
export function isDirectCall({ type, caller }: Readonly<Record<string, unknown>>): boolean {
  return type === 'tool_use' && !(isObject(caller) && caller.type !== 'direct')
}
