import type { UpstreamError } from '../../chat/upstream-error.js'
import type { RelayError } from '../../errors.js'
import { isObject, textOf } from '../../lib/values.js'
import { type ErrorDetails, type ErrorReader, errorReader } from '../error-reader.js'

/** Google's name for each HTTP status. */
const STATUS_NAMES = new Map([
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [402, 'FAILED_PRECONDITION'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [405, 'UNIMPLEMENTED'],
  [408, 'DEADLINE_EXCEEDED'],
  [409, 'ABORTED'],
  [429, 'RESOURCE_EXHAUSTED'],
  [499, 'CANCELLED'],
  [501, 'UNIMPLEMENTED'],
  [502, 'UNAVAILABLE'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
])

/** The HTTP status of each of Google's names. */
const STATUSES = new Map([
  ['INVALID_ARGUMENT', 400],
  ['FAILED_PRECONDITION', 400],
  ['OUT_OF_RANGE', 400],
  ['UNAUTHENTICATED', 401],
  ['PERMISSION_DENIED', 403],
  ['NOT_FOUND', 404],
  ['ABORTED', 409],
  ['ALREADY_EXISTS', 409],
  ['RESOURCE_EXHAUSTED', 429],
  ['CANCELLED', 499],
  ['INTERNAL', 500],
  ['UNKNOWN', 500],
  ['DATA_LOSS', 500],
  ['UNIMPLEMENTED', 501],
  ['UNAVAILABLE', 503],
  ['DEADLINE_EXCEEDED', 504],
])

/** The status that Google's clients know for an error. */
export function statusOf({ status }: RelayError): number {
  return status === 529 ? 503 : status
}

/** `{ "error": { code, message, status, details } }`, Google's format: the code is the HTTP status, as a number. */
export function writeError(error: RelayError, requestId: string): Buffer {
  return error.body ?? Buffer.from(errorJson(error, [{ '@type': `${TYPES}RequestInfo`, requestId }]))
}

/** An error as a stream's last record. */
export function writeStreamError(error: RelayError): Buffer {
  return Buffer.from(errorRecord(error))
}

/** Writes an error as text of a stream record. */
export function errorRecord(error: RelayError): string {
  return `data: ${errorJson(error)}\n\n`
}

const TYPES = 'type.googleapis.com/google.rpc.'

function errorJson(error: RelayError, more: readonly object[] = []): string {
  const { message, code: reason, param, retryAfterMs } = error
  const code = statusOf(error)
  const details = [
    ...(reason === null ? [] : [{ '@type': `${TYPES}ErrorInfo`, reason: reason.toUpperCase(), domain: 'modelmount' }]),
    ...(param === null
      ? []
      : [{ '@type': `${TYPES}BadRequest`, fieldViolations: [{ field: param, description: message }] }]),
    ...(retryAfterMs === undefined ? [] : [{ '@type': `${TYPES}RetryInfo`, retryDelay: `${retryAfterMs / 1000}s` }]),
    ...more,
  ]
  const status = STATUS_NAMES.get(code) ?? (code < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL')
  return JSON.stringify({ error: { code, message, status, ...(details.length > 0 ? { details } : {}) } })
}

const reader = errorReader({
  statuses: STATUSES,
  read: readGoogleError,
  isNative: (_, error) => typeof error.code === 'number',
})

/** Reads the value of `error`: Google's object, a string, or another provider's object. */
export const readErrorValue: ErrorReader['readErrorValue'] = reader.readErrorValue

/** Reads Google's errors, also in a list, and those of servers that only look like Google. */
export function readError(status: number, body: Buffer): UpstreamError | undefined {
  const upstreamError = reader.readError(status, body)
  return INVALID_KEY_REASONS.has(upstreamError?.code ?? '')
    ? upstreamError && { ...upstreamError, status: 401 }
    : upstreamError
}

/** Reasons of invalid API keys, which Google sends with status 400. */
const INVALID_KEY_REASONS = new Set(['API_KEY_INVALID', 'API_KEY_EXPIRED'])

/** Reads Google's error object, which has the status name in `status`, and reason, field and delay in `details`. */
function readGoogleError(error: Readonly<Record<string, unknown>>): ErrorDetails {
  const details = Array.isArray(error.details) ? error.details.filter(isObject) : []
  const reason = textOf(details.find(({ reason }) => reason !== undefined)?.reason)
  const number = Number(error.code)
  return {
    type: textOf(error.status) ?? textOf(error.type),
    code: reason ?? (typeof error.code === 'string' ? textOf(error.code) : null),
    param: fieldOf(details) ?? textOf(error.param),
    status: number >= 100 ? number : undefined,
    defaultMessage: number > 0 ? `Error ${number}.` : undefined,
    ...retryOf(details),
  }
}

function fieldOf(details: readonly Record<string, unknown>[]): string | null {
  const violations = details.find(({ fieldViolations }) => Array.isArray(fieldViolations))?.fieldViolations
  const [first] = Array.isArray(violations) ? violations : []
  return isObject(first) ? textOf(first.field) : null
}

/** Reads the delay of a `RetryInfo`, such as `34.07s`. */
function retryOf(details: readonly Record<string, unknown>[]): { retryAfterMs?: number } {
  const delay = details.map(({ retryDelay }) => retryDelay).find((one) => typeof one === 'string')
  const [, seconds] = /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(String(delay)) ?? []
  return seconds === undefined ? {} : { retryAfterMs: Math.ceil(Number(seconds) * 1000) }
}
