import type { Block, ForeignBlock } from '../../../chat/blocks.js'
import { isObject } from '../../../lib/values.js'
import type { Field } from '../../field.js'
import { getField, hasField, nativeFields, restOf } from '../field-names.js'
import { readBytes, readUri } from '../media.js'
import { readClientSignature } from '../signatures.js'
import { PROTOCOL_ID } from '../traits.js'
import type { PendingCalls } from './pending-calls.js'

/** Reads one kind of part. `value`: the field that names the kind. */
type ReadPart = (value: Field, part: Field, pending: PendingCalls) => Block

/** Kinds of parts, by the field that each has. */
const KINDS: readonly (readonly [name: string, read: ReadPart])[] = [
  ['functionCall', readCall],
  ['functionResponse', readResult],
  ['inlineData', (value, part) => readInline(value, part)],
  ['fileData', readFile],
  ['executableCode', (_, part) => foreign('executableCode', part)],
  ['codeExecutionResult', (_, part) => foreign('codeExecutionResult', part)],
  ['toolCall', (_, part) => foreign('toolCall', part)],
  ['toolResponse', (_, part) => foreign('toolResponse', part)],
  ['text', readText],
]

/** Fields that parts of several kinds have. */
const COMMON_FIELDS = ['thought', 'thoughtSignature']
const PART_FIELDS = new Set([...KINDS.map(([name]) => name), ...COMMON_FIELDS])

/** Reads a part of a client's content. @throws {RelayError} that names the part if its kind is unknown */
export function readPart(part: Field, pending: PendingCalls): Block {
  if (typeof part.value === 'string') return { type: 'text', text: part.value, at: part.path }
  part.object()
  const found = KINDS.filter(([name]) => hasField(part, name))
  const [first, second] = found
  if (second) part.fail(`holds both ${first?.[0]} and ${second[0]}. Send them as two parts.`)
  if (first) return first[1](getField(part, first[0]), part, pending)
  if (COMMON_FIELDS.some((name) => hasField(part, name))) return readText(part.get('text'), part)
  const [name] = Object.keys(part.value as object)
  return name === undefined ? part.fail('must not be empty') : part.fail(`unknown ${JSON.stringify(name)}`)
}

function readText(value: Field, part: Field): Block {
  const text = value.maybeText() ?? ''
  const signature = readClientSignature(getField(part, 'thoughtSignature').maybeText())
  const common = { text, signature, at: part.path, native: nativeFields(restOf(part, PART_FIELDS)) }
  return part.get('thought').maybeBoolean() ? { type: 'reasoning', ...common } : { type: 'text', ...common }
}

const CALL_FIELDS = new Set(['id', 'name', 'args'])

function readCall(call: Field, part: Field, pending: PendingCalls): Block {
  const name = call.get('name').text()
  const args = call.get('args').maybeObject() ?? {}
  const id = pending.call(name, call.get('id').maybeText())
  const signature = readClientSignature(getField(part, 'thoughtSignature').maybeText())
  const fields = nativeFields(restOf(part, PART_FIELDS), restOf(call, CALL_FIELDS, 'functionCall.'))
  return { type: 'tool-call', id, name, input: JSON.stringify(args), signature, at: part.path, native: fields }
}

const RESULT_FIELDS = new Set(['id', 'name', 'response', 'parts'])

function readResult(result: Field, part: Field, pending: PendingCalls): Block {
  const name = result.get('name').text()
  const callId = pending.answer(name, result.get('id').maybeText())
  const { text, failed } = readResponse(result.get('response').maybeObject() ?? {}, name)
  const blocks: Block[] = text === '' ? [] : [{ type: 'text', text }]
  for (const inner of result.get('parts').maybeList()) blocks.push(readResultPart(inner))
  const fields = nativeFields(restOf(part, PART_FIELDS), restOf(result, RESULT_FIELDS, 'functionResponse.'))
  return { type: 'tool-result', callId, name, blocks, failed, at: part.path, native: fields }
}

/**
 * Reads a result from `output` or `result`, and a failure from `error`. The AI SDK sends a result as `content`, with the
 * tool's name. Any other object is the result itself.
 */
function readResponse(response: Record<string, unknown>, tool: string): { text: string; failed: true | undefined } {
  const { name: repeated, ...fields } = response
  const [key, ...others] = Object.keys(repeated === tool && 'content' in response ? fields : response)
  if (key === undefined) return { text: '', failed: undefined }
  const text = toText(response[key])
  if (others.length > 0) return { text: toText(response), failed: undefined }
  if (key === 'error') return { text, failed: true }
  const plain = key === 'output' || key === 'result' || (key === 'content' && repeated === tool)
  return { text: plain ? text : toText(response), failed: undefined }
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function readResultPart(part: Field): Block {
  const inline = getField(part, 'inlineData')
  if (inline.given) return readInline(inline, part)
  const file = getField(part, 'fileData')
  if (file.given) return readFile(file, part)
  const [name] = Object.keys(part.object())
  return part.fail(`unknown ${JSON.stringify(name ?? '')}`)
}

const INLINE_FIELDS = new Set(['mimeType', 'data'])
const FILE_FIELDS = new Set(['mimeType', 'fileUri'])

function readInline(value: Field, part: Field): Block {
  const fields = nativeFields(restOf(part, PART_FIELDS), restOf(value, INLINE_FIELDS, 'inlineData.'))
  return readBytes(value.get('data').text(), getField(value, 'mimeType').maybeText(), fields, part.path)
}

function readFile(value: Field, part: Field): Block {
  const fields = nativeFields(restOf(part, PART_FIELDS), restOf(value, FILE_FIELDS, 'fileData.'))
  return readUri(getField(value, 'fileUri').text(), getField(value, 'mimeType').maybeText(), fields, part.path)
}

function foreign(kind: string, part: Field): ForeignBlock {
  const value = isObject(part.value) ? part.value : {}
  return { type: 'foreign', protocol: PROTOCOL_ID, kind, value, at: part.path }
}
