import type { Fault } from '../../chat/fault.js'
import type { RelayError } from '../../errors.js'
import { isObject, parseJson, textOf } from '../../lib/values.js'

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
  const unnamed = error.kind === 'context_too_long' && !error.message.toLowerCase().includes(TOO_LONG)
  return { type: 'error', error: { type, message: unnamed ? `${TOO_LONG}: ${error.message}` : error.message } }
}

/** Reads the error bodies of Anthropic and of what stands before it. */
export function readFault(status: number, body: Buffer): Fault | undefined {
  const value = parseJson(body.toString())
  const first = Array.isArray(value) ? value[0] : value
  if (!isObject(first)) return undefined
  const fault = readErrorValue(first.error) ?? readErrorValue(first.detail) ?? readErrorValue(first)
  const native = isObject(value) && value.type === 'error' && isObject(first.error) && textOf(first.error.type) !== null
  return fault && { ...fault, status, native: native && typeof (first.error as Fault).message === 'string' }
}

/** Whatever stands under `error`: an object, a bare string, a list of what was found wrong. */
export function readErrorValue(value: unknown): Fault | undefined {
  if (typeof value === 'string' && value !== '') {
    return { status: undefined, message: value, type: null, code: null, param: null }
  }
  const error = Array.isArray(value) ? value[0] : value
  if (!isObject(error)) return undefined
  const details = isObject(error.details) ? error.details : {}
  const message = wordsOf(error.message) ?? wordsOf(error.msg) ?? wordsOf(error.detail)
  const code = textOf(details.error_code) ?? textOf(error.code)
  const type = textOf(error.type)
  if (message === null && code === null && (type === null || type === 'error')) return undefined
  return {
    status: typeof error.code === 'number' ? error.code : STATUSES.get(type ?? ''),
    message: message ?? code ?? type ?? '',
    type,
    code,
    param: textOf(error.param),
  }
}

/** Text, or what stands in its place spelled out. */
function wordsOf(value: unknown): string | null {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : textOf(value)
}
