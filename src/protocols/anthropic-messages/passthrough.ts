import { invalidAnswer } from '../../chat/upstream-error.js'
import type { Usage } from '../../chat/usage.js'
import { latin1 } from '../../lib/json.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import { isNonEmptyList, nonNegative, parseBody, readModel } from '../body.js'
import type { AnswerFacts, RecordClass, StreamEnding } from '../passthrough.js'
import type { RequestFacts } from '../request-facts.js'
import { findError } from './answer/read-answer.js'
import { readUsage } from './answer/usage.js'
import { readRecordError } from './errors.js'

/** Reads as much of a request as routing needs. @throws {RelayError} that names the path of an invalid value */
export function readFacts(body: Buffer): RequestFacts {
  const text = latin1(body)
  const root = parseBody(text)
  const { model, modelSpan, stream } = readModel(root, text)
  root.get('messages').nonEmptyList()
  const { max_tokens: maxTokens, temperature, tools, mcp_servers: servers } = root.object()
  return {
    model,
    modelSpan,
    stream,
    maxOutputTokens: nonNegative(maxTokens),
    choices: 1,
    temperature: nonNegative(temperature),
    usesTools: isNonEmptyList(tools) || isNonEmptyList(servers),
  }
}

/** Reads the usage and the refusal of an answer whose bytes pass through, or the error that came instead of an answer. */
export function readAnswerFacts(body: Buffer): AnswerFacts {
  const answer = parseJson(latin1(body))
  const upstreamError = findError(answer, body.length)
  if (!upstreamError && isObject(answer)) return { usage: readUsage(answer.usage), refused: isRefusal(answer) }
  // Parses the body again as UTF-8, because clients and logs show the error's message.
  return { upstreamError: findError(parseJson(body.toString()), body.length) ?? upstreamError }
}

/** Blocks that may start empty. The start of any other block is output. */
const STREAMED_BLOCKS: ReadonlySet<unknown> = new Set(['text', 'thinking'])

/** Classifies a record before the commit point. The start of a message and a ping are not output yet. */
export function classifyRecord({ data }: SseRecord): RecordClass {
  const record = parseJson(data)
  if (!isObject(record)) return data.trim() === '' ? 'prelude' : invalidAnswer('a stream record that is not JSON')
  const upstreamError = readRecordError(record)
  if (upstreamError) return upstreamError
  if (isOutput(record)) return 'output'
  const usage = isObject(record.message) ? readUsage(record.message.usage) : undefined
  return usage ? { usage } : 'prelude'
}

function isOutput({ type, delta, content_block: block }: Record<string, unknown>): boolean {
  if (type === 'message_delta' || type === 'message_stop') return true
  if (type === 'content_block_start') return isObject(block) && !(STREAMED_BLOCKS.has(block.type) && isEmpty(block))
  return type === 'content_block_delta' && isObject(delta) && !isEmpty(delta)
}

/** Whether all fields but the type are empty. */
function isEmpty(fields: Record<string, unknown>): boolean {
  return Object.entries(fields).every(([name, value]) => name === 'type' || value === null || hasNoItems(value))
}

function hasNoItems(value: unknown): boolean {
  return (typeof value === 'string' || Array.isArray(value)) && value.length === 0
}

/** Reads how a stream ended, from its last records. A complete stream ends with `message_stop`. */
export function readEnding(records: readonly SseRecord[], earlyUsage?: Usage): StreamEnding {
  let complete = false
  let hasFinalUsage = false
  let refused = false
  let usage = earlyUsage
  let upstreamError: StreamEnding['upstreamError']
  for (const { data } of records) {
    const record = parseJson(data)
    if (!isObject(record)) continue
    if (record.type === 'message_stop') complete = true
    else if (record.type === 'message_delta') {
      usage = readUsage(record.usage, usage)
      hasFinalUsage ||= isObject(record.usage)
      refused ||= isRefusal(record.delta)
    } else if (record.type === 'message_start' && isObject(record.message))
      usage = readUsage(record.message.usage, usage)
    else upstreamError = readRecordError(record) ?? upstreamError
  }
  return { complete: complete && !upstreamError, usage, upstreamError, refused, isPartial: !hasFinalUsage }
}

function isRefusal(fields: unknown): boolean {
  return isObject(fields) && fields.stop_reason === 'refusal'
}

/** Counts the characters of output in one record of a stream: text, thinking and tool input. */
export function readOutputLength({ data }: SseRecord): number {
  const record = parseJson(data)
  if (!isObject(record)) return 0
  const output = record.type === 'content_block_delta' ? record.delta : record.content_block
  if (!isObject(output)) return 0
  const text = output.text ?? output.thinking ?? output.partial_json
  return typeof text === 'string' ? text.length : 0
}
