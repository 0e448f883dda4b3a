import type { Native } from '../../../chat/blocks.js'
import type { ChatRequest, Format } from '../../../chat/request.js'
import { parseBody } from '../../body.js'
import type { Field } from '../../field.js'
import { readCacheMark, readNative } from '../native.js'
import { readMessages } from './read-messages.js'
import { readToolChoice, readTools } from './read-tools.js'
import { readReasoningSettings } from './reasoning-effort.js'
import { readSampling } from './sampling.js'

/** Fields with a neutral equivalent, and fields that concern only how the answer is sent. */
const KNOWN_FIELDS = new Set([
  ...['model', 'messages', 'stream', 'stream_options', 'tools', 'functions', 'tool_choice', 'function_call'],
  ...['web_search_options', 'parallel_tool_calls', 'max_completion_tokens', 'max_tokens', 'temperature', 'top_p'],
  ...['top_k', 'frequency_penalty', 'presence_penalty', 'seed', 'stop', 'n', 'logprobs', 'top_logprobs'],
  ...['response_format', 'verbosity', 'reasoning_effort', 'reasoning', 'thinking', 'enable_thinking'],
  ...['thinking_budget', 'modalities', 'user', 'safety_identifier', 'metadata', 'service_tier', 'prompt_cache_key'],
  ...['cache_control', 'prompt_cache_options', 'prompt_cache_retention'],
])

/** Reads a Chat Completions request. @throws {RelayError} that names the path of an invalid value */
export function readRequest(body: Buffer): ChatRequest {
  const root = parseBody(body.toString())
  return {
    stream: root.get('stream').maybeBoolean() ?? false,
    turns: readMessages(root.get('messages')),
    tools: readTools(root),
    toolChoice: readToolChoice(root),
    parallelToolCalls: root.get('parallel_tool_calls').maybeBoolean() ?? limitToOneCall(root),
    ...readSampling(root),
    format: readFormat(root.get('response_format')),
    verbosity: root.get('verbosity').maybeText(),
    reasoning: readReasoningSettings(root),
    modalities: readModalities(root.get('modalities')),
    userId: root.get('safety_identifier').maybeText() ?? root.get('user').maybeText(),
    metadata: readMetadata(root.get('metadata')),
    serviceTier: root.get('service_tier').maybeText(),
    cacheKey: root.get('prompt_cache_key').maybeText(),
    cache: readCacheMark(root),
    wantsUsage: root.get('stream_options').get('include_usage').maybeBoolean(),
    native: withoutDefaults(readNative(root, KNOWN_FIELDS)),
  }
}

/** A client that sends the deprecated `functions` can receive only one call. */
function limitToOneCall(root: Field): false | undefined {
  return root.get('functions').given ? false : undefined
}

/** Values, as JSON, that mean the same as leaving the field out. */
const DEFAULT_VALUES = new Map<string, string>([
  ['store', 'false'],
  ['logit_bias', '{}'],
])

function withoutDefaults(native: Native | undefined): Native | undefined {
  if (!native) return undefined
  const fields = Object.entries(native.fields).filter(
    ([name, value]) => DEFAULT_VALUES.get(name) !== JSON.stringify(value),
  )
  return fields.length > 0 ? { ...native, fields: Object.fromEntries(fields) } : undefined
}

const FORMATS = ['text', 'json_object', 'json_schema'] as const

function readFormat(format: Field): Format | undefined {
  if (!format.given) return undefined
  format.object()
  const type = format.get('type').oneOf(FORMATS)
  if (type !== 'json_schema') return { type: type === 'text' ? 'text' : 'json' }
  const jsonSchema = format.get('json_schema')
  jsonSchema.object()
  return {
    type: 'schema',
    schema: jsonSchema.get('schema').maybeObject() ?? {},
    name: jsonSchema.get('name').maybeText(),
    description: jsonSchema.get('description').maybeText(),
    strict: jsonSchema.get('strict').maybeBoolean(),
  }
}

const MODALITIES = ['text', 'image', 'audio'] as const

function readModalities(field: Field): ChatRequest['modalities'] {
  return field.given ? field.list().map((kind) => kind.oneOf(MODALITIES)) : undefined
}

function readMetadata(field: Field): Record<string, string> | undefined {
  const object = field.maybeObject()
  return object && Object.fromEntries(Object.keys(object).map((name) => [name, field.get(name).text()]))
}
