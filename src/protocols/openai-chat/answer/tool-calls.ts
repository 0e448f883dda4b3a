import type { ToolCallBlock } from '../../../chat/blocks.js'
import { isObject } from '../../../lib/values.js'
import type { Field } from '../../field.js'
import { readNative } from '../native.js'
import { readGoogleSignature } from './google-signatures.js'

const KNOWN_FIELDS = new Set(['id', 'type', 'index', 'function', 'custom', 'extra_content'])

/** Reads a tool call in the history that a client sends. */
export function readToolCall(call: Field): ToolCallBlock {
  call.object()
  const type = call.get('type').given ? call.get('type').oneOf(['function', 'custom']) : 'function'
  const body = call.get(type)
  body.object()
  const input = body.get(type === 'custom' ? 'input' : 'arguments')
  return {
    type: 'tool-call',
    id: call.get('id').text(),
    name: body.get('name').text(),
    input: isObject(input.value) ? inputText(input.value) : (input.maybeText() ?? ''),
    freeform: type === 'custom' ? true : undefined,
    signature: readGoogleSignature(call.get('extra_content').value),
    at: call.path,
    native: readNative(call, KNOWN_FIELDS),
  }
}

/** The input of a call as text. Some vendors send an object. */
export function inputText(value: unknown): string {
  if (typeof value === 'string') return value
  return isObject(value) || Array.isArray(value) ? JSON.stringify(value) : ''
}

/** One chunk of a tool call in a stream, or a whole call of an answer. Fields that are missing are empty. */
export interface ToolCallDelta {
  readonly id: string
  readonly name: string
  readonly input: string
  readonly freeform: boolean
}

/** Reads a chunk of a tool call. Accepts calls without `function`, and input as an object. */
export function readToolCallDelta(call: Record<string, unknown>): ToolCallDelta {
  const { custom } = call
  const freeform = call.type === 'custom' || isObject(custom)
  const body = isObject(custom) ? custom : isObject(call.function) ? call.function : call
  return {
    id: typeof call.id === 'string' ? call.id : '',
    name: typeof body.name === 'string' ? body.name : '',
    input: inputText(freeform ? body.input : body.arguments),
    freeform,
  }
}

/** Writes a tool call for an answer or a history. Writes an empty object where the call has no input. */
export function writeToolCall({ id, name, input, freeform }: ToolCallBlock): Record<string, unknown> {
  if (freeform) return { id, type: 'custom', custom: { name, input } }
  return { id, type: 'function', function: { name, arguments: input === '' ? '{}' : input } }
}
