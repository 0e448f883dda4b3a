import type { UpstreamError } from '../../chat/upstream-error.js'
import type { RelayError } from '../../errors.js'
import { isObject } from '../../lib/values.js'
import { bareError, type ErrorReader, errorReader } from '../error-reader.js'
import { resultError } from '../result-errors.js'

/** `{ "error": { message, type, param, code } }`, OpenAI's format. */
export function writeError(error: RelayError): Buffer {
  return error.body ?? Buffer.from(spell(error))
}

/** An error as a stream's last record. `[DONE]` does not follow: a client that reads past the error sees no clean end. */
export function writeStreamError(error: RelayError): Buffer {
  return Buffer.from(spellRecord(error))
}

/** The same as text. */
export function spellRecord(error: RelayError): string {
  return `data: ${spell(error)}\n\n`
}

/** Clients of this language know HTTP's own statuses, and those are the relay's. */
export function statusOf({ status }: RelayError): number {
  return status
}

function spell({ message, type, param, code }: RelayError): string {
  return JSON.stringify({ error: { message, type, param, code } })
}

/** Reads the errors of OpenAI, and of the many that almost write them so. */
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

export const readFault: ErrorReader['readError'] = reader.readError
export const readErrorValue: ErrorReader['readErrorValue'] = reader.readErrorValue

/** The error that stands where an answer or a chunk should: under `error`, or, as old servers have it, all of it; or beside it. */
export function faultIn(value: Record<string, unknown>, event?: string): UpstreamError | undefined {
  if (value.error) return readErrorValue(value.error) ?? bareError('The upstream gave an error.')
  const isError = value.object === 'error' || event === 'error' || (value.detail && !Array.isArray(value.choices))
  if (isError) return readErrorValue(value.detail) ?? readErrorValue(value)
  return isObject(value.x_groq) ? readErrorValue(value.x_groq.error) : resultError(value)
}
