import type { UpstreamError } from '../../chat/upstream-error.js'
import type { RelayError } from '../../errors.js'
import { errorWithMessage } from '../error-reader.js'
import { readErrorValue } from '../openai-chat/errors.js'

/** Writes an error as the last record of a stream that passes through. Its sequence number is 0. */
export function writeStreamError(error: RelayError): Buffer {
  return Buffer.from(errorRecord(error, 0))
}

/** Writes the record `error`, with the fields at both levels: OpenAI documents the outer ones, clients read the inner ones. */
export function errorRecord({ message, type, param, code }: RelayError, sequenceNumber: number): string {
  const error = { type, code, message, param }
  const event = { ...error, type: 'error', error, sequence_number: sequenceNumber }
  return `event: error\ndata: ${JSON.stringify(event)}\n\n`
}

/** Error codes that clients handle. */
const CLIENT_CODES = new Set([
  'server_error',
  'rate_limit_exceeded',
  'insufficient_quota',
  'context_length_exceeded',
  'invalid_prompt',
  'content_filter',
])

/** Writes `error` of a failed response. A code that clients do not handle becomes `server_error`. */
export function writeResponseError({ message, code }: RelayError): object {
  return { code: code !== null && CLIENT_CODES.has(code) ? code : 'server_error', message }
}

/** Reads the error of a failed response, or of a record `error`. */
export function readResponseError(value: unknown): UpstreamError {
  return readErrorValue(value) ?? errorWithMessage('The response failed.')
}
