import { invalidAnswer, type UpstreamError } from '../../chat/upstream-error.js'
import type { Usage } from '../../chat/usage.js'
import { decoded, latin1 } from '../../lib/json.js'
import { type Edit, findValue } from '../../lib/splice.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import { isNonEmptyList, nonNegative, parseBody, readChoiceCount, readModel } from '../body.js'
import { Field } from '../field.js'
import type { AnswerFacts, InjectedUsage, RecordClass, StreamEnding } from '../passthrough.js'
import type { RequestFacts } from '../request-facts.js'
import { resultError } from '../result-errors.js'
import { choiceError, isRefusal, messageOf, readChoices } from './answer/choices.js'
import { reasoningTextOf, thinkingText } from './answer/reasoning-details.js'
import { readToolCallDelta } from './answer/tool-calls.js'
import { findUsage } from './answer/usage.js'
import { findError, invalidJsonError } from './errors.js'

type Fields = Record<string, unknown>

const NUMBER_FIELDS = ['n', 'temperature', 'top_p', 'max_tokens', 'max_completion_tokens']
/** Fields that `checkFields` checks. */
const FIELDS_TO_CHECK = ['stream_options', 'tools', 'stop', 'response_format']

/**
 * Reads as much of a request as routing needs, and checks the types of the most common fields. The upstream checks the
 * rest. @throws {RelayError} that names the path of an invalid value
 */
export function readFacts(body: Buffer): RequestFacts {
  const text = latin1(body)
  const root = parseBody(text)
  const { model, modelSpan, stream } = readModel(root, text)
  checkMessages(root.get('messages'))
  const fields = root.object()
  root.checkNumbers(NUMBER_FIELDS)
  if (FIELDS_TO_CHECK.some((name) => fields[name] !== undefined)) checkFields(root)
  const { max_completion_tokens: maxCompletionTokens, max_tokens: maxTokens, n, temperature } = fields
  return {
    // Lists the fields one by one: spreading an object costs more than all the rest.
    model,
    modelSpan,
    stream,
    maxOutputTokens: nonNegative(maxCompletionTokens ?? maxTokens),
    choices: readChoiceCount(n),
    temperature: nonNegative(temperature),
    usesTools: usesTools(fields),
    usageRequestEdit: stream ? findUsageRequestEdit(root, text) : undefined,
  }
}

function usesTools({ tools, functions, web_search_options: search }: Readonly<Fields>): boolean {
  return isNonEmptyList(tools) || isNonEmptyList(functions) || isObject(search)
}

/** Makes a field, with its path, only for a message that needs the exact checks. */
function checkMessages(messages: Field): void {
  const list = messages.nonEmptyList()
  for (let index = 0; index < list.length; index++)
    if (!isPlainMessage(list[index])) checkMessage(new Field(list[index], messages, index))
}

function isPlainMessage(message: unknown): boolean {
  if (!isObject(message)) return false
  const { role, content, tool_calls: calls, tool_call_id: callId } = message
  const isPlain = typeof role === 'string' && (typeof content === 'string' || Array.isArray(content))
  return isPlain && calls === undefined && callId === undefined
}

/** Checks the types of the fields that most requests do not have. */
function checkFields(root: Field): void {
  root.get('stream_options').maybeObject()
  root.get('stream_options').get('include_usage').maybeBoolean()
  root.get('tools').checkList()
  root.get('stop').checkTextOrList()
  root.get('response_format').maybeObject()
}

function checkMessage(message: Field): void {
  message.object()
  message.get('role').text()
  message.get('content').checkTextOrList()
  message.get('tool_calls').checkList()
  message.get('tool_call_id').maybeText()
}

/**
 * Finds the edit that adds `stream_options.include_usage` to a body, parsed from `text`. Undefined where the client asks
 * for usage itself, or where the field cannot be edited.
 */
export function findUsageRequestEdit(root: Field, text: string): Edit | undefined {
  const options = root.get('stream_options')
  if (options.value === undefined) return insertUsageRequest(text)
  const streamOptions = options.given ? options.value : {}
  if (!isObject(streamOptions) || streamOptions.include_usage === true) return undefined
  const at = findValue(text, 'stream_options')
  return at && { span: at, text: decoded(JSON.stringify({ ...streamOptions, include_usage: true })) }
}

/** Inserts before the first field. There is one, because `model` is required. */
function insertUsageRequest(text: string): Edit {
  const start = text.indexOf('{') + 1
  return { span: { start, end: start }, text: '"stream_options":{"include_usage":true},' }
}

/** Finds the chunk with usage that only the relay has asked for. Clients fail on it, because it has no choices. */
export const injectedUsage: InjectedUsage = {
  // Not `usage`, which is null in every other chunk once a request asks for it.
  marker: Buffer.from('"prompt_tokens"'),
  isUsageOnly({ data }: SseRecord): boolean {
    const chunk = parseJson(data)
    return (
      isObject(chunk) &&
      Array.isArray(chunk.choices) &&
      !isNonEmptyList(chunk.choices) &&
      findUsage(chunk) !== undefined
    )
  },
}

/** Reads usage, refusal and errors of a whole answer. */
export function readAnswerFacts(body: Buffer): AnswerFacts {
  const answer = parseJson(latin1(body))
  if (!isObject(answer)) return { upstreamError: invalidJsonError(body) }
  const usage = findUsage(answer)
  if (answer.error || !Array.isArray(answer.choices) || resultError(answer))
    return { upstreamError: readErrorBody(body), usage }
  let refused = false
  for (const choice of readChoices(answer)) {
    const upstreamError = choiceError(choice)
    if (upstreamError) return { upstreamError, usage }
    refused ||= isRefusal(choice)
  }
  return { usage, refused }
}

/** Parses the body again as UTF-8, because people read the message. */
function readErrorBody(body: Buffer): UpstreamError {
  const answer = parseJson(body.toString())
  return (isObject(answer) ? findError(answer) : undefined) ?? invalidAnswer('an answer without choices')
}

/** Classifies a stream's record before the commit point. A chunk with only a role is not output. */
export function classifyRecord({ data, event }: SseRecord): RecordClass {
  if (isDone(data)) return 'output'
  if (isKeepAlive(data)) return 'prelude'
  const chunk = parseJson(data)
  if (!isObject(chunk)) return invalidAnswer('a stream record that is not JSON')
  const upstreamError = findError(chunk, event)
  if (upstreamError) return upstreamError
  let recordClass: RecordClass = 'prelude'
  for (const choice of readChoices(chunk)) {
    const error = choiceError(choice)
    if (error) return error
    if (hasOutput(choice)) recordClass = 'output'
  }
  return recordClass
}

/** Whether the data of a record marks the end of a stream: `[DONE]`. */
export function isDone(data: string): boolean {
  return data.length < 32 && data.trim() === '[DONE]'
}

/** Whether the data of a record is blank or a comment, which some gateways send to keep a connection alive. */
export function isKeepAlive(data: string): boolean {
  return data.length < 64 && /^\s*(?::|$)/.test(data)
}

function hasOutput(choice: Fields): boolean {
  if (choice.finish_reason) return true
  if (typeof choice.text === 'string' && choice.text !== '') return true
  if (!isObject(choice.delta)) return false
  for (const [name, value] of Object.entries(choice.delta)) {
    if (name !== 'role' && isNotEmpty(value)) return true
  }
  return false
}

function isNotEmpty(value: unknown): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0
  return isObject(value)
}

/** Reads how a stream ended, from its last records. Without `[DONE]`, it is complete if every choice in them has finished. */
export function readEnding(records: readonly SseRecord[]): StreamEnding {
  const finished = new Map<unknown, boolean>()
  let usage: Usage | undefined
  let upstreamError: UpstreamError | undefined
  let refused = false
  for (const { data, event } of records) {
    if (isDone(data)) return { complete: !upstreamError, isOver: !upstreamError, usage, upstreamError, refused }
    const chunk = parseJson(data)
    if (!isObject(chunk)) continue
    usage = findUsage(chunk) ?? usage
    upstreamError = findError(chunk, event) ?? upstreamError
    for (const choice of readChoices(chunk)) {
      upstreamError = choiceError(choice) ?? upstreamError
      refused ||= isRefusal(choice)
      if (choice.finish_reason || !finished.has(choice.index)) finished.set(choice.index, !!choice.finish_reason)
    }
  }
  const complete = finished.size > 0 && [...finished.values()].every(Boolean)
  return { complete: complete && !upstreamError, usage, upstreamError, refused }
}

/** Characters of output in a chunk. Does not count OpenAI's padding, `obfuscation`. */
export function readOutputLength({ data }: SseRecord): number {
  const chunk = parseJson(data)
  if (!isObject(chunk)) return 0
  return readChoices(chunk).reduce((length, choice) => length + deltaLength(messageOf(choice) ?? {}), 0)
}

function deltaLength(delta: Fields): number {
  const { content, refusal, tool_calls: toolCalls, function_call: functionCall } = delta
  const parts = Array.isArray(content) ? content.filter(isObject).map(partText) : [content]
  const inputs = [...(Array.isArray(toolCalls) ? toolCalls : []), functionCall]
    .filter(isObject)
    .map((call) => readToolCallDelta(call).input)
  const texts = [...parts, reasoningTextOf(delta), refusal, ...inputs]
  return texts.reduce((length: number, text) => length + (typeof text === 'string' ? text.length : 0), 0)
}

function partText({ type, text, refusal, thinking }: Fields): unknown {
  return type === 'thinking' ? thinkingText(thinking) : (text ?? refusal)
}
