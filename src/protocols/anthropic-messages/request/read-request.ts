import type { Native } from '../../../chat/blocks.js'
import type { ChatRequest, Format } from '../../../chat/request.js'
import { parseBody } from '../../body.js'
import type { Field } from '../../field.js'
import { readCache } from '../cache-control.js'
import { readNative } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'
import { readReasoning } from './read-thinking.js'
import { readToolChoice, readTools } from './read-tools.js'
import { readSystem, readTurn } from './read-turns.js'

/** Reads a whole request. @throws {RelayError} that names the path of an invalid value */
export function readRequest(body: Buffer): ChatRequest {
  const request = parseBody(body.toString())
  const maxTokens = request.get('max_tokens')
  if (!maxTokens.given) maxTokens.number()
  return readFields(request)
}

/** Reads a request to count tokens. It needs no `max_tokens`. @throws {RelayError} as {@link readRequest} */
export function readCountRequest(body: Buffer): ChatRequest {
  return readFields(parseBody(body.toString()))
}

function readFields(request: Field): ChatRequest {
  request.get('model').text()
  const messages = request.get('messages')
  messages.nonEmptyList()
  return {
    stream: request.get('stream').maybeBoolean() ?? false,
    turns: [...readSystem(request.get('system')), ...messages.list().map(readTurn)],
    tools: readTools(request.get('tools')),
    ...readToolChoice(request.get('tool_choice')),
    maxOutputTokens: notNegative(request.get('max_tokens')),
    temperature: request.get('temperature').maybeNumber(),
    topP: request.get('top_p').maybeNumber(),
    topK: request.get('top_k').maybeInteger(),
    stop: request
      .get('stop_sequences')
      .maybeList()
      .map((sequence) => sequence.text()),
    format: readFormat(request),
    reasoning: readReasoning(request),
    userId: userOf(request.get('metadata')),
    serviceTier: tierOf(request.get('service_tier').maybeText()),
    cache: readCache(request.get('cache_control').maybeObject()),
    native: readNativeFields(request),
  }
}

function notNegative(field: Field): number | undefined {
  const value = field.maybeInteger()
  return value !== undefined && value < 0 ? field.fail('must not be negative') : value
}

function userOf(metadata: Field): string | undefined {
  metadata.maybeObject()
  return metadata.get('user_id').maybeText()
}

/** Other protocols call Anthropic's standard tier `default`. */
function tierOf(tier: string | undefined): string | undefined {
  return tier === 'standard_only' ? 'default' : tier
}

/** Reads `output_config.format`, or `output_format`, its name in the beta. */
function readFormat(request: Field): Format | undefined {
  request.get('output_config').maybeObject()
  const current = request.get('output_config').get('format')
  const format = current.given ? current : request.get('output_format')
  if (!format.given) return undefined
  format.object()
  format.get('type').oneOf(['json_schema'])
  return { type: 'schema', schema: format.get('schema').object() }
}

const KNOWN: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'system',
  'stream',
  'tools',
  'tool_choice',
  'max_tokens',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'output_format',
  'output_config',
  'thinking',
  'metadata',
  'service_tier',
  'cache_control',
])
const KNOWN_IN_OUTPUT: ReadonlySet<string> = new Set(['effort', 'format'])
const KNOWN_IN_METADATA: ReadonlySet<string> = new Set(['user_id'])

/** Reads the fields that no other protocol has. */
function readNativeFields(request: Field): Native | undefined {
  const output = readNative(request.get('output_config').value, KNOWN_IN_OUTPUT)?.fields
  const metadata = readNative(request.get('metadata').value, KNOWN_IN_METADATA)?.fields
  const thinking = request.get('thinking')
  const fields = {
    ...readNative(request.value, KNOWN)?.fields,
    ...(output && { output_config: output }),
    ...(metadata && { metadata }),
    ...(thinking.get('type').value === 'between_tools' && { thinking: thinking.value }),
  }
  return Object.keys(fields).length > 0 ? { protocol: PROTOCOL_ID, fields } : undefined
}
