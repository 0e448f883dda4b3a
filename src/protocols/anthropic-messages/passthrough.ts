import { invalidAnswer } from '../../chat/upstream-error.js'
import type { Usage } from '../../chat/usage.js'
import { latin1 } from '../../lib/json.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { AnswerFacts, RecordClass, StreamEnding } from '../passthrough.js'
import { resultError } from '../result-errors.js'
import { faultOf } from './answer/read-answer.js'
import { readUsage } from './answer/usage.js'
import { readErrorValue } from './errors.js'

/** Reads usage and refusal of a whole answer whose bytes pass through, or the error that stands in its place. */
export function readAnswerFacts(body: Buffer): AnswerFacts {
  const answer = parseJson(latin1(body))
  const upstreamError = faultOf(answer, body.length)
  if (!upstreamError && isObject(answer)) return { usage: readUsage(answer.usage), refused: isRefusal(answer) }
  // Parsed again, decoded: this text will be read by people.
  return { upstreamError: faultOf(parseJson(body.toString()), body.length) ?? upstreamError }
}

/** Blocks that arrive by deltas. All others arrive whole. */
const GROWING: ReadonlySet<unknown> = new Set(['text', 'thinking'])

/** What one record is to the commit point. A message that has only begun, and a ping, are not yet an answer. */
export function classifyRecord({ data }: SseRecord): RecordClass {
  const record = parseJson(data)
  if (!isObject(record)) return data.trim() === '' ? 'preamble' : invalidAnswer('a stream record that is not JSON')
  if (record.type === 'error' || (record.error && record.type === undefined)) {
    return readErrorValue(record.error) ?? invalidAnswer('an error without a message')
  }
  const upstreamError = record.type === undefined ? resultError(record) : undefined
  if (upstreamError) return upstreamError
  if (isOutput(record)) return 'output'
  const usage = isObject(record.message) ? readUsage(record.message.usage) : undefined
  return usage ? { usage } : 'preamble'
}

function isOutput({ type, delta, content_block: block }: Record<string, unknown>): boolean {
  if (type === 'message_delta' || type === 'message_stop') return true
  if (type === 'content_block_start') return isObject(block) && !(GROWING.has(block.type) && isEmpty(block))
  return type === 'content_block_delta' && isObject(delta) && !isEmpty(delta)
}

/** Whether all fields but the type are empty. */
function isEmpty(fields: Record<string, unknown>): boolean {
  return Object.entries(fields).every(([name, value]) => name === 'type' || value === null || isNothing(value))
}

function isNothing(value: unknown): boolean {
  return (typeof value === 'string' || Array.isArray(value)) && value.length === 0
}

/** What the last records of a stream tell: only `message_stop` ends a whole one. */
export function readEnding(records: readonly SseRecord[], begun?: Usage): StreamEnding {
  let complete = false
  let counted = false
  let refused = false
  let usage = begun
  let upstreamError: StreamEnding['upstreamError']
  for (const { data } of records) {
    const record = parseJson(data)
    if (!isObject(record)) continue
    if (record.type === 'message_stop') complete = true
    else if (record.type === 'message_delta') {
      usage = readUsage(record.usage, usage)
      counted ||= isObject(record.usage)
      refused ||= isRefusal(record.delta)
    } else if (record.type === 'message_start' && isObject(record.message))
      usage = readUsage(record.message.usage, usage)
    else if (record.type === 'error')
      upstreamError = readErrorValue(record.error) ?? invalidAnswer('an error without a message')
    else if (record.type === undefined) upstreamError = resultError(record) ?? upstreamError
  }
  return { complete: complete && !upstreamError, usage, upstreamError, refused, isPartial: !counted }
}

function isRefusal(fields: unknown): boolean {
  return isObject(fields) && fields.stop_reason === 'refusal'
}
