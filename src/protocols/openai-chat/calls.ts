import type { ToolCallBlock } from '../../chat/blocks.js'
import { isObject } from '../../lib/values.js'
import type { Field } from '../field.js'
import { readGoogleSignature } from './google.js'
import { readNative } from './native.js'

const KNOWN = new Set(['id', 'type', 'index', 'function', 'custom', 'extra_content'])

/** A tool call in a caller's history. */
export function readCall(call: Field): ToolCallBlock {
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
    native: readNative(call, KNOWN),
  }
}

/** A call's input as text. Some give the object itself. */
export function inputText(value: unknown): string {
  if (typeof value === 'string') return value
  return isObject(value) || Array.isArray(value) ? JSON.stringify(value) : ''
}

/** What an answer's call is called by and with, in a message or in a delta; pieces that are not there are empty. */
export interface CallPiece {
  readonly id: string
  readonly name: string
  readonly input: string
  readonly freeform: boolean
}

/** Reads a piece of a call, however its vendor left it out. */
export function readCallPiece(call: Record<string, unknown>): CallPiece {
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

/** As an answer or a history has it. An input that never came is an empty object. */
export function writeCall({ id, name, input, freeform }: ToolCallBlock): Record<string, unknown> {
  if (freeform) return { id, type: 'custom', custom: { name, input } }
  return { id, type: 'function', function: { name, arguments: input === '' ? '{}' : input } }
}
