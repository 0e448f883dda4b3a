import type { UpstreamError } from '../../chat/upstream-error.js'
import type { RelayError } from '../../errors.js'
import { errorWithMessage } from '../error-reader.js'
import { readErrorValue } from '../openai-chat/errors.js'

/** An error as the last record of a stream whose response is not known: of one that is passed on. */
export function writeStreamError(error: RelayError): Buffer {
  return Buffer.from(spellErrorEvent(error, 0))
}

/** The record `error`: flat, as it is documented, and nested, as clients look for it. */
export function spellErrorEvent({ message, type, param, code }: RelayError, sequence: number): string {
  const error = { type, code, message, param }
  return `event: error\ndata: ${JSON.stringify({ ...error, type: 'error', error, sequence_number: sequence })}\n\n`
}

/** Codes that clients act upon; what no client knows is the server's fault. */
const KNOWN = new Set([
  'server_error',
  'rate_limit_exceeded',
  'insufficient_quota',
  'context_length_exceeded',
  'invalid_prompt',
  'content_filter',
])

/** `error` of a response that failed. */
export function responseError({ message, code }: RelayError): object {
  return { code: code !== null && KNOWN.has(code) ? code : 'server_error', message }
}

/** What a response with the status `failed`, or a record `error`, came to. */
export function readFailure(value: unknown): UpstreamError {
  return readErrorValue(value) ?? errorWithMessage('The response failed.')
}
