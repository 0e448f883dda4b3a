import { type EventFrame, EventFrameReader } from '../../lib/event-frames.js'
import { isObject, parseJson, textOf } from '../../lib/values.js'
import type { StreamFormat } from '../request-format.js'

/** AWS event streams, in which Bedrock sends Anthropic's streams: each payload holds a record in Base64, and errors are frames of their own. */
export const eventStream: StreamFormat = {
  contentType: 'application/vnd.amazon.eventstream',
  createDecoder() {
    const frames = new EventFrameReader()
    return function* (chunk) {
      for (const frame of frames.read(chunk)) yield toServerSentEvent(frame)
    }
  },
}

/** Converts a frame to a server-sent event; empty for a frame without one. @throws {Error} for an event without a record */
function toServerSentEvent({ headers, payload }: EventFrame): string {
  const kind = headers.get(':message-type')
  const parsed = parseJson(payload.toString())
  const fields = isObject(parsed) ? parsed : {}
  if (kind === 'exception') {
    const name = headers.get(':exception-type') ?? ''
    return errorEvent(ERROR_TYPES.get(name) ?? 'api_error', textOf(fields.message) ?? textOf(fields.Message) ?? name)
  }
  if (kind === 'error')
    return errorEvent('api_error', headers.get(':error-message') ?? headers.get(':error-code') ?? '')
  if (headers.get(':event-type') !== 'chunk') return ''
  const text = Buffer.from(textOf(fields.bytes) ?? '', 'base64').toString()
  const record = parseJson(text)
  if (!isObject(record)) throw new Error('an event without a record')
  // Line ends are white space in JSON, but would end the event.
  return `event: ${textOf(record.type) ?? 'message'}\ndata: ${text.replace(/[\r\n]+/g, ' ')}\n\n`
}

/** Anthropic's error types for AWS exceptions. */
const ERROR_TYPES: ReadonlyMap<string, string> = new Map([
  ['validationException', 'invalid_request_error'],
  ['throttlingException', 'rate_limit_error'],
  ['modelTimeoutException', 'timeout_error'],
  ['serviceUnavailableException', 'overloaded_error'],
])

function errorEvent(type: string, message: string): string {
  const text = message || 'The provider broke off its answer.'
  return `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type, message: text } })}\n\n`
}
