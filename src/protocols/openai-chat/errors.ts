import type { Fault } from '../../chat/fault.js'
import type { RelayError } from '../../errors.js'
import { isObject, parseJson, textOf } from '../../lib/values.js'

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
    status: typeof error.code === 'number' ? error.code : (statusOfWord(code) ?? statusOfWord(type)),
    message: message ?? code ?? type ?? '',
    type,
    code,
    param: textOf(error.param),
  }
}

/** The error that stands where an answer or a chunk should: under `error`, or, as old servers have it, all of it. */
export function faultIn(value: Record<string, unknown>, event?: string): Fault | undefined {
  if (value.error) return readErrorValue(value.error) ?? { ...NOTHING, message: 'The upstream gave an error.' }
  const isError = value.object === 'error' || event === 'error' || (value.detail && !Array.isArray(value.choices))
  if (isError) return readErrorValue(value.detail) ?? readErrorValue(value)
  return isObject(value.x_groq) ? readErrorValue(value.x_groq.error) : undefined
}

const NOTHING: Fault = { status: undefined, message: '', type: null, code: null, param: null }

/** The HTTP status that a code or type would have come with, had the answer not begun with 200. */
const STATUS = new Map([
  ['rate_limit_exceeded', 429],
  ['rate_limit_error', 429],
  ['insufficient_quota', 429],
  ['overloaded', 503],
  ['overloaded_error', 503],
  ['server_error', 500],
  ['invalid_api_key', 401],
  ['context_length_exceeded', 400],
  ['content_filter', 400],
  ['invalid_request_error', 400],
])

function statusOfWord(word: string | null): number | undefined {
  return word === null ? undefined : STATUS.get(word)
}
