import { invalidAnswer, type UpstreamError } from '../../chat/upstream-error.js'
import type { RelayError } from '../../errors.js'
import { isObject, textOf } from '../../lib/values.js'
import { type ErrorReader, errorReader } from '../error-reader.js'
import { resultError } from '../result-errors.js'

const TYPES = new Map([
  [400, 'invalid_request_error'],
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [408, 'timeout_error'],
  [409, 'conflict_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [503, 'overloaded_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
])

/** The status for an error type, for errors inside a stream or another response of status 200. Adds types to those of `TYPES`. */
const STATUSES = new Map([
  ...[...TYPES].map(([status, type]) => [type, status] as const),
  ['timeout_error', 504] as const,
  ['api_error', 500] as const,
])

/** Clients look for this text to compact a conversation that is too long. */
const TOO_LONG = 'prompt is too long'

/** Returns the status that Anthropic's clients expect, which is 529 for overload. */
export function statusOf(error: RelayError): number {
  return error.upstreamStatus === 529 ? 529 : error.status
}

/** Writes `{ "type": "error", "error": { type, message }, "request_id" }`. */
export function writeError(error: RelayError, requestId: string): Buffer {
  return error.body ?? Buffer.from(JSON.stringify({ ...errorBody(error), request_id: requestId }))
}

/** Writes an error as a stream's last record. No `message_stop` follows. */
export function writeStreamError(error: RelayError): Buffer {
  return Buffer.from(streamError(error))
}

/** Writes that record as text. */
export function streamError(error: RelayError): string {
  return `event: error\ndata: ${JSON.stringify(errorBody(error))}\n\n`
}

function errorBody(error: RelayError): object {
  const status = statusOf(error)
  const type = TYPES.get(status) ?? (status < 500 ? 'invalid_request_error' : 'api_error')
  const needsPrefix = error.kind === 'context_too_long' && !error.message.toLowerCase().includes(TOO_LONG)
  return { type: 'error', error: { type, message: needsPrefix ? `${TOO_LONG}: ${error.message}` : error.message } }
}

/** Reads errors of Anthropic, and of proxies in front of it. */
const reader: ErrorReader = errorReader({
  statuses: STATUSES,
  genericType: 'error',
  read: ({ message, msg, detail, details, code }) => ({
    message: messageText(message) ?? messageText(msg) ?? messageText(detail),
    code: (isObject(details) ? textOf(details.error_code) : null) ?? textOf(code),
  }),
  isNative: ({ type }, error) => type === 'error' && textOf(error.type) !== null,
})

export const readError: ErrorReader['readError'] = reader.readError

/** Reads the error in a stream's record. Some proxies omit its type. Undefined where the record holds none. */
export function readRecordError(record: Readonly<Record<string, unknown>>): UpstreamError | undefined {
  const { type, error } = record
  if (type === 'error' || (type === undefined && error)) return readErrorOrInvalid(error)
  return type === undefined ? resultError(record) : undefined
}

/** Reads the error in a body with status 200. Undefined where it holds none. */
export function readAnswerError(answer: Readonly<Record<string, unknown>>): UpstreamError | undefined {
  const { type, error } = answer
  return error || type === 'error' ? readErrorOrInvalid(error) : resultError(answer)
}

function readErrorOrInvalid(error: unknown): UpstreamError {
  return reader.readErrorValue(error) ?? invalidAnswer('an error without a message')
}

/** Returns a message's text. An object in its place becomes JSON. */
function messageText(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : (textOf(value) ?? undefined)
}
