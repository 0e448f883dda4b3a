import type { Fault } from '../../chat/fault.js'
import type { RelayError } from '../../errors.js'
import { isObject, parseJson, textOf } from '../../lib/values.js'

/** `{ "error": { message, type, param, code } }`, OpenAI's format. */
export function writeError(error: RelayError): Buffer {
  if (error.body) return error.body
  const { message, type, param, code } = error
  return Buffer.from(JSON.stringify({ error: { message, type, param, code } }))
}

/** The status that callers know for an error: the relay counts as OpenAI does. */
export function statusOf(error: RelayError): number {
  return error.status
}

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

/** Reads the error bodies of OpenAI and of the many that almost write them so. */
export function readFault(status: number, body: Buffer): Fault | undefined {
  const value = parseJson(body.toString())
  const first = Array.isArray(value) ? value[0] : value
  if (!isObject(first)) return undefined
  const fault = readErrorValue(first.error) ?? readErrorValue(first.detail) ?? readErrorValue(first)
  const native = first === value && isObject(first.error) && typeof first.error.message === 'string'
  return fault && { ...fault, status, native }
}

/** Whatever stands under `error`: OpenAI's object, a bare string, a list of what FastAPI found wrong. */
export function readErrorValue(value: unknown): Fault | undefined {
  if (typeof value === 'string') return { ...NOTHING, message: value }
  const error = Array.isArray(value) ? value[0] : value
  if (!isObject(error)) return undefined
  const message = textOf(error.message) ?? textOf(error.msg) ?? textOf(error.detail)
  const code = textOf(error.code)
  const type = textOf(error.type)
  if (message === null && code === null && type === null) return undefined
  return {
    status: typeof error.code === 'number' ? error.code : (STATUS.get(code ?? '') ?? STATUS.get(type ?? '')),
    message: message ?? code ?? type ?? '',
    type,
    code,
    param: textOf(error.param),
  }
}

/** What a response with the status `failed`, or a record `error`, came to. */
export function readFailure(value: unknown): Fault {
  return readErrorValue(value) ?? { ...NOTHING, message: 'The response failed.' }
}

const NOTHING: Fault = { status: undefined, message: '', type: null, code: null, param: null }

/** The HTTP status that a code or type would have come with, had the answer not begun with 200. */
const STATUS = new Map([
  ['rate_limit_exceeded', 429],
  ['rate_limit_error', 429],
  ['insufficient_quota', 429],
  ['usage_limit_reached', 429],
  ['overloaded', 503],
  ['server_is_overloaded', 503],
  ['slow_down', 503],
  ['server_error', 500],
  ['invalid_api_key', 401],
  ['context_length_exceeded', 400],
  ['content_filter', 400],
  ['invalid_prompt', 400],
  ['invalid_request_error', 400],
])
