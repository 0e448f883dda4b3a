import { lengthOf } from '../../chat/length.js'
import { invalidAnswer, type UpstreamError } from '../../chat/upstream-error.js'
import type { Usage } from '../../chat/usage.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson, textOf } from '../../lib/values.js'
import type { RecordClass, StreamEnding } from '../passthrough.js'
import { isRefusal } from './answer/status.js'
import { readUsage } from './answer/usage.js'
import { readFailure } from './errors.js'
import { readWhole } from './stream/read-stream.js'

type Fields = Readonly<Record<string, unknown>>

/** What one record is to the commit point. That an item has begun is not yet an answer, unless the item is work done. */
export function readSign({ event: name, data }: SseRecord): RecordClass {
  const text = data.trim()
  if (text === '' || text.startsWith(':')) return 'preamble'
  if (text === '[DONE]') return 'output'
  const event = parseJson(text)
  if (!isObject(event)) return invalidAnswer('a stream record that is not JSON')
  const type = textOf(event.type) ?? name ?? ''
  const upstreamError = faultOf(type, event)
  if (upstreamError) return upstreamError
  if (PREAMBLE.has(type)) return 'preamble'
  if (type !== 'response.output_item.added')
    return type.endsWith('.delta') && event.delta === '' ? 'preamble' : 'output'
  const kind = isObject(event.item) ? event.item.type : undefined
  return kind === 'message' || kind === 'reasoning' ? 'preamble' : 'output'
}

const PREAMBLE = new Set([
  'response.created',
  'response.queued',
  'response.in_progress',
  'response.content_part.added',
  'response.reasoning_summary_part.added',
  'keepalive',
])

/** What the last records of a stream tell. */
export function readEnding(records: readonly SseRecord[]): StreamEnding {
  let complete = false
  let usage: Usage | undefined
  let whole: Fields | undefined
  let refused = false
  for (const { event: name, data } of records) {
    const event = parseJson(data)
    if (!isObject(event)) continue
    const type = textOf(event.type) ?? name ?? ''
    const response = isObject(event.response) ? event.response : {}
    usage = readUsage(response.usage) ?? usage
    const upstreamError = faultOf(type, event)
    if (upstreamError) return { complete: false, usage, upstreamError }
    refused ||= type.startsWith('response.refusal.') || isRefusal(response)
    if (!LAST.has(type)) continue
    complete = true
    whole = response
  }
  return { complete, usage, refused, outputLength: usage || !whole ? undefined : lengthOf(readWhole(whole, NOBODY)) }
}

const NOBODY = { id: 'x' }

const LAST = new Set(['response.completed', 'response.incomplete', 'response.done'])

function faultOf(type: string, event: Fields): UpstreamError | undefined {
  const response = isObject(event.response) ? event.response : {}
  const failed = type === 'response.failed' || response.status === 'failed' || response.status === 'cancelled'
  if (failed) return readFailure(response.error)
  if (type === 'error') return readFailure(event.error ?? { ...event, type: null })
  return event.error ? readFailure(event.error) : undefined
}
