import { efforts } from '../../../chat/effort.js'
import type { ChatRequest, Format, Reasoning, Turn } from '../../../chat/request.js'
import { RelayError } from '../../../errors.js'
import { parseBody } from '../../body.js'
import type { Field } from '../../field.js'
import { withRepeatedFields } from '../answer/repeated-fields.js'
import { readNative } from '../native.js'
import { readInput } from './read-items.js'
import { isNeutralChoice, readToolChoice, readTools, withoutDuplicates } from './read-tools.js'

/** Reads a Responses request. @throws {RelayError} that names the path of an invalid value */
export function readRequest(body: Buffer): ChatRequest {
  const request = parseBody(body.toString())
  failOnStoredState(request)
  const { turns, tools } = readInput(request.get('input'))
  const include = readInclude(request.get('include'))
  const text = request.get('text')
  return {
    stream: request.get('stream').maybeBoolean() === true,
    turns: [...readInstructions(request.get('instructions')), ...turns],
    tools: withoutDuplicates([...readTools(request.get('tools').maybeList()), ...tools]),
    toolChoice: readToolChoice(request.get('tool_choice')),
    parallelToolCalls: request.get('parallel_tool_calls').maybeBoolean(),
    maxOutputTokens: request.get('max_output_tokens').maybeInteger(),
    temperature: request.get('temperature').maybeNumber(),
    topP: request.get('top_p').maybeNumber(),
    stop: [],
    logprobs: readLogprobs(request.get('top_logprobs').maybeInteger(), include),
    format: readFormat(text.get('format')),
    verbosity: text.get('verbosity').maybeText(),
    reasoning: readReasoning(request.get('reasoning')),
    userId: (request.get('safety_identifier').maybeText() ?? request.get('user').maybeText()) || undefined,
    metadata: readMetadata(request.get('metadata')),
    serviceTier: request.get('service_tier').maybeText(),
    cacheKey: request.get('prompt_cache_key').maybeText(),
    native: withRepeatedFields(readNativeFields(request, include), request.object()),
  }
}

/** @throws {RelayError} for a field that needs state at the server. Ignoring it would lose a part of the conversation. */
function failOnStoredState(request: Field): void {
  if (request.get('previous_response_id').given) {
    const message =
      'previous_response_id: this relay has not stored this response. Send the whole conversation as input.'
    const details = { param: 'previous_response_id', code: 'previous_response_not_found' }
    throw new RelayError('invalid_request', message, details)
  }
  const conversation = request.get('conversation')
  if (conversation.given) conversation.fail('this relay stores no conversations. Send the whole conversation as input.')
  const prompt = request.get('prompt')
  if (prompt.given) prompt.fail('this relay stores no prompts. Send the instructions themselves.')
  const background = request.get('background')
  if (background.maybeBoolean()) background.fail('this relay runs no responses in the background.')
}

function readInstructions(instructions: Field): Turn[] {
  const text = instructions.maybeText()
  if (!text) return []
  return [{ role: 'system', blocks: [{ type: 'text', text, at: 'instructions' }], at: 'instructions' }]
}

const INCLUDE_LOGPROBS = 'message.output_text.logprobs'
const INCLUDE_ENCRYPTED_REASONING = 'reasoning.encrypted_content'

function readInclude(include: Field): string[] {
  return include.maybeList().map((name) => name.text())
}

function readLogprobs(top: number | undefined, include: readonly string[]): number | undefined {
  if (include.includes(INCLUDE_LOGPROBS)) return top ?? 0
  return top || undefined
}

function readFormat(format: Field): Format | undefined {
  if (!format.given) return undefined
  const type = format.get('type')
  if (type.text() === 'text') return { type: 'text' }
  if (type.text() === 'json_object') return { type: 'json' }
  if (type.text() !== 'json_schema') return type.failUnknown('one of text, json_object, json_schema')
  return {
    type: 'schema',
    schema: format.get('schema').object(),
    name: format.get('name').maybeText(),
    description: format.get('description').maybeText(),
    strict: format.get('strict').maybeBoolean(),
  }
}

function readReasoning(reasoning: Field): Reasoning | undefined {
  if (!reasoning.maybeObject()) return undefined
  const effort = reasoning.get('effort')
  const summary = reasoning.get('summary').maybeText() ?? reasoning.get('generate_summary').maybeText()
  return {
    effort: effort.given ? effort.oneOf(efforts) : undefined,
    visible: summary === undefined || summary === 'none' ? undefined : true,
    summary,
  }
}

function readMetadata(metadata: Field): Record<string, string> | undefined {
  const object = metadata.maybeObject()
  return object && Object.fromEntries(Object.keys(object).map((name) => [name, metadata.get(name).text()]))
}

/** Fields with a neutral equivalent, and fields that concern only how the answer is sent. */
const KNOWN_FIELDS = new Set([
  ...['model', 'input', 'instructions', 'stream', 'stream_options', 'store', 'background', 'tools', 'tool_choice'],
  ...['parallel_tool_calls', 'max_output_tokens', 'temperature', 'top_p', 'top_logprobs', 'include', 'text'],
  ...['reasoning', 'safety_identifier', 'user', 'metadata', 'service_tier', 'prompt_cache_key'],
])

const KNOWN_TEXT_FIELDS = new Set(['format', 'verbosity'])
const KNOWN_REASONING_FIELDS = new Set(['effort', 'summary', 'generate_summary'])

/** Reads the native fields of a request, also those inside of fields that are known. */
function readNativeFields(request: Field, include: readonly string[]): Record<string, unknown> {
  const { truncation, ...fields } = readNative(request.object(), KNOWN_FIELDS)?.fields ?? {}
  const nativeInclude = include.filter((name) => name !== INCLUDE_LOGPROBS && name !== INCLUDE_ENCRYPTED_REASONING)
  const choice = request.get('tool_choice')
  const text = readNative(request.get('text').maybeObject() ?? {}, KNOWN_TEXT_FIELDS)
  const reasoning = readNative(request.get('reasoning').maybeObject() ?? {}, KNOWN_REASONING_FIELDS)
  return {
    ...fields,
    // `disabled` is the default.
    ...(truncation !== undefined && truncation !== 'disabled' && { truncation }),
    ...(nativeInclude.length > 0 && { include: nativeInclude }),
    ...(!isNeutralChoice(choice) && { tool_choice: choice.value }),
    ...(text && { text: text.fields }),
    ...(reasoning && { reasoning: reasoning.fields }),
  }
}
