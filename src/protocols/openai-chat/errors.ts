import { invalidAnswer, type UpstreamError } from '../../chat/upstream-error.js'
import type { RelayError } from '../../errors.js'
import { isObject } from '../../lib/values.js'
import { type ErrorReader, errorReader, errorWithMessage } from '../error-reader.js'
import { resultError } from '../result-errors.js'

/** Writes OpenAI's error format: `{ "error": { message, type, param, code } }`. */
export function writeError(error: RelayError): Buffer {
  return error.body ?? Buffer.from(errorJson(error))
}

/** Writes an error as the last record of a stream. No `[DONE]` follows, so that no client takes the stream for complete. */
export function writeStreamError(error: RelayError): Buffer {
  return Buffer.from(errorRecord(error))
}

/** The same record as text. */
export function errorRecord(error: RelayError): string {
  return `data: ${errorJson(error)}\n\n`
}

/** The relay's own status: clients of this protocol know all HTTP statuses. */
export function statusOf({ status }: RelayError): number {
  return status
}

function errorJson({ message, type, param, code }: RelayError): string {
  return JSON.stringify({ error: { message, type, param, code } })
}

/** Reads errors of OpenAI, and of servers that deviate from its format. */
const reader: ErrorReader = errorReader({
  statuses: new Map([
    ['rate_limit_exceeded', 429],
    ['rate_limit_error', 429],
    ['insufficient_quota', 429],
    ['usage_limit_reached', 429],
    ['overloaded', 503],
    ['overloaded_error', 503],
    ['server_is_overloaded', 503],
    ['slow_down', 503],
    ['server_error', 500],
    ['invalid_api_key', 401],
    ['context_length_exceeded', 400],
    ['content_filter', 400],
    ['invalid_prompt', 400],
    ['invalid_request_error', 400],
  ]),
})

export const readError: ErrorReader['readError'] = reader.readError
export const readErrorValue: ErrorReader['readErrorValue'] = reader.readErrorValue

/**
 * Finds an error in place of an answer or chunk, or beside one. It is the value of `error` or `detail`, the whole object
 * (old servers), or inside `x_groq` or `base_resp`. `event`: the type of the stream's record.
 */
export function findError(value: Record<string, unknown>, event?: string): UpstreamError | undefined {
  if (value.error)
    return readErrorValue(value.error) ?? errorWithMessage('The provider sent an error without a message.')
  const isError = value.object === 'error' || event === 'error' || (value.detail && !Array.isArray(value.choices))
  if (isError) return readErrorValue(value.detail) ?? readErrorValue(value)
  return isObject(value.x_groq) ? readErrorValue(value.x_groq.error) : resultError(value)
}

/** The error for a body that is not JSON. */
export function invalidJsonError(body: Buffer): UpstreamError {
  const isEmpty = body.length === 0 || body.toString().trim() === ''
  return invalidAnswer(isEmpty ? 'an empty answer' : 'an answer that is not JSON')
}
