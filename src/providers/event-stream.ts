import { type EventFrame, EventFrames } from '../lib/event-frames.js'
import { isObject, parseJson, textOf } from '../lib/values.js'
import type { StreamFormat } from './request-format.js'

/** Anthropic's streams as Bedrock frames them: an event's payload holds a record in Base64, and errors are frames of their own. */
export const eventStream: StreamFormat = {
  contentType: 'application/vnd.amazon.eventstream',
  createDecoder() {
    const frames = new EventFrames()
    return function* (piece) {
      for (const frame of frames.read(piece)) yield recordOf(frame)
    }
  },
}

/** A frame as a server-sent event; empty where there is none in it. @throws {Error} for an event that holds no record */
function recordOf({ headers, payload }: EventFrame): string {
  const kind = headers.get(':message-type')
  const told = parseJson(payload.toString())
  const fields = isObject(told) ? told : {}
  if (kind === 'exception') {
    const name = headers.get(':exception-type') ?? ''
    return error(TYPES.get(name) ?? 'api_error', textOf(fields.message) ?? textOf(fields.Message) ?? name)
  }
  if (kind === 'error') return error('api_error', headers.get(':error-message') ?? headers.get(':error-code') ?? '')
  if (headers.get(':event-type') !== 'chunk') return ''
  const text = Buffer.from(textOf(fields.bytes) ?? '', 'base64').toString()
  const record = parseJson(text)
  if (!isObject(record)) throw new Error('an event without a record')
  // Line ends in JSON are white space; in an event they would be its end.
  return `event: ${textOf(record.type) ?? 'message'}\ndata: ${text.replace(/[\r\n]+/g, ' ')}\n\n`
}

/** What Anthropic calls them. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['validationException', 'invalid_request_error'],
  ['throttlingException', 'rate_limit_error'],
  ['modelTimeoutException', 'timeout_error'],
  ['serviceUnavailableException', 'overloaded_error'],
])

function error(type: string, message: string): string {
  const words = message || 'The provider broke off its answer.'
  return `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type, message: words } })}\n\n`
}
