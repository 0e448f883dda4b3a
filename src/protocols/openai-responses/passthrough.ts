import { lengthOf } from '../../chat/length.js'
import { invalidAnswer, type UpstreamError } from '../../chat/upstream-error.js'
import type { Usage } from '../../chat/usage.js'
import { latin1 } from '../../lib/json.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson, textOf } from '../../lib/values.js'
import { isNonEmptyList, nonNegative, parseBody, readModel } from '../body.js'
import type { RecordClass, StreamEnding } from '../passthrough.js'
import type { RequestFacts } from '../request-facts.js'
import { isRefusal } from './answer/status.js'
import { readUsage } from './answer/usage.js'
import { readResponseError } from './errors.js'
import { readResponse } from './stream/read-stream.js'

type Fields = Readonly<Record<string, unknown>>

const NUMBER_FIELDS = ['temperature', 'top_p', 'max_output_tokens']
const OBJECT_FIELDS = ['text', 'reasoning']

/**
 * Reads as much of a request as routing needs, and checks the types of the most common fields. The upstream checks the
 * rest. @throws {RelayError} that names the path of an invalid value
 */
export function readFacts(body: Buffer): RequestFacts {
  const text = latin1(body)
  const root = parseBody(text)
  const { model, modelSpan, stream } = readModel(root, text)
  root.get('input').checkTextOrList()
  root.get('tools').checkList()
  for (const name of NUMBER_FIELDS) root.get(name).maybeNumber()
  for (const name of OBJECT_FIELDS) root.get(name).maybeObject()
  const { max_output_tokens: maxOutputTokens, temperature, tools } = root.object()
  return {
    model,
    modelSpan,
    stream,
    maxOutputTokens: nonNegative(maxOutputTokens),
    choices: 1,
    temperature: nonNegative(temperature),
    usesTools: isNonEmptyList(tools),
  }
}

/** Classifies a stream's record before the commit point. The start of a message or of reasoning is not output. */
export function classifyRecord({ event: name, data }: SseRecord): RecordClass {
  const text = data.trim()
  if (text === '' || text.startsWith(':')) return 'prelude'
  if (text === '[DONE]') return 'output'
  const event = parseJson(text)
  if (!isObject(event)) return invalidAnswer('a stream record that is not JSON')
  const type = textOf(event.type) ?? name ?? ''
  const upstreamError = findError(type, event)
  if (upstreamError) return upstreamError
  if (PRELUDE_EVENTS.has(type)) return 'prelude'
  if (type !== 'response.output_item.added') return type.endsWith('.delta') && event.delta === '' ? 'prelude' : 'output'
  const itemType = isObject(event.item) ? event.item.type : undefined
  return itemType === 'message' || itemType === 'reasoning' ? 'prelude' : 'output'
}

const PRELUDE_EVENTS = new Set([
  'response.created',
  'response.queued',
  'response.in_progress',
  'response.content_part.added',
  'response.reasoning_summary_part.added',
  'keepalive',
])

/** Reads how a stream ended, from its last records. Without usage, counts the output in the final response. */
export function readEnding(records: readonly SseRecord[]): StreamEnding {
  let complete = false
  let usage: Usage | undefined
  let finalResponse: Fields | undefined
  let refused = false
  for (const { event: name, data } of records) {
    const event = parseJson(data)
    if (!isObject(event)) continue
    const type = textOf(event.type) ?? name ?? ''
    const response = isObject(event.response) ? event.response : {}
    usage = readUsage(response.usage) ?? usage
    const upstreamError = findError(type, event)
    if (upstreamError) return { complete: false, usage, upstreamError }
    refused ||= type.startsWith('response.refusal.') || isRefusal(response)
    if (!FINAL_EVENTS.has(type)) continue
    complete = true
    finalResponse = response
  }
  const outputLength = usage || !finalResponse ? undefined : lengthOf(readResponse(finalResponse, ANY_ID))
  return { complete, usage, refused, outputLength }
}

/** Only the length of the answer is read, so its ids do not matter. */
const ANY_ID = { id: 'x' }

const FINAL_EVENTS = new Set(['response.completed', 'response.incomplete', 'response.done'])

function findError(type: string, event: Fields): UpstreamError | undefined {
  const response = isObject(event.response) ? event.response : {}
  const failed = type === 'response.failed' || response.status === 'failed' || response.status === 'cancelled'
  if (failed) return readResponseError(response.error)
  // A record `error` may have the error's fields directly. Its `type` is then not the error's.
  if (type === 'error') return readResponseError(event.error ?? { ...event, type: null })
  return event.error ? readResponseError(event.error) : undefined
}

/** Base64 of audio. Its transcript has records of its own. */
const AUDIO_DELTA = 'response.audio.delta'

/** Characters of output in a record. Only deltas count, because `done` records repeat their text. */
export function readOutputLength({ event: name, data }: SseRecord): number {
  const event = parseJson(data)
  if (!isObject(event) || typeof event.delta !== 'string') return 0
  return (textOf(event.type) ?? name) === AUDIO_DELTA ? 0 : event.delta.length
}
