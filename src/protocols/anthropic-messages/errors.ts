import type { RelayError } from '../../errors.js'
import { isObject, textOf } from '../../lib/values.js'
import { type ErrorReader, errorReader } from '../error-reader.js'

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

/** The status that a type comes with, for an error that was told under status 200. */
const STATUSES = new Map([
  ...[...TYPES].map(([status, type]) => [type, status] as const),
  ['timeout_error', 504] as const,
  ['api_error', 500] as const,
])

/** Clients that shorten a conversation when it is too long look for these words. */
const TOO_LONG = 'prompt is too long'

/** The status that callers know for an error: of overload, Anthropic's own. */
export function statusOf(error: RelayError): number {
  return error.upstreamStatus === 529 ? 529 : error.status
}

/** `{ "type": "error", "error": { type, message }, "request_id" }` */
export function writeError(error: RelayError, requestId: string): Buffer {
  return error.body ?? Buffer.from(JSON.stringify({ ...spell(error), request_id: requestId }))
}

/** An error as a stream's last record; no `message_stop` follows. */
export function writeStreamError(error: RelayError): Buffer {
  return Buffer.from(streamError(error))
}

/** The text of that record. */
export function streamError(error: RelayError): string {
  return `event: error\ndata: ${JSON.stringify(spell(error))}\n\n`
}

function spell(error: RelayError): object {
  const status = statusOf(error)
  const type = TYPES.get(status) ?? (status < 500 ? 'invalid_request_error' : 'api_error')
  const defaultMessage = error.kind === 'context_too_long' && !error.message.toLowerCase().includes(TOO_LONG)
  return { type: 'error', error: { type, message: defaultMessage ? `${TOO_LONG}: ${error.message}` : error.message } }
}

/** Reads the errors of Anthropic, and of what stands before it. */
const reader: ErrorReader = errorReader({
  statuses: STATUSES,
  genericType: 'error',
  read: ({ message, msg, detail, details, code }) => ({
    message: spelled(message) ?? spelled(msg) ?? spelled(detail),
    code: (isObject(details) ? textOf(details.error_code) : null) ?? textOf(code),
  }),
  isNative: ({ type }, error) => type === 'error' && textOf(error.type) !== null,
})

export const readFault: ErrorReader['readError'] = reader.readError
export const readErrorValue: ErrorReader['readErrorValue'] = reader.readErrorValue

/** Text, or what stands in its place spelled out. */
function spelled(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : (textOf(value) ?? undefined)
}
