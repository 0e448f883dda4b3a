import type { UpstreamError } from '../chat/upstream-error.js'
import { isObject, parseJson, textOf } from '../lib/values.js'
import { resultError } from './result-errors.js'

type Fields = Readonly<Record<string, unknown>>

/** How a protocol's errors differ from the common form: an object with `message`, `type` and `code`. */
export interface ErrorFormat {
  /** By code or type: the HTTP status of an error inside a 200. */
  readonly statuses: ReadonlyMap<string, number>
  /** A type without information, such as `error`. */
  readonly genericType?: string
  /** Reads details from the protocol's own fields. */
  readonly read?: (error: Fields) => ErrorDetails
  /** Whether a body with `error` and a message has the protocol's own format. */
  readonly isNative?: (body: Fields, error: Fields) => boolean
}

/** Details that the protocol has in other fields. */
export interface ErrorDetails extends Partial<Pick<UpstreamError, 'type' | 'code' | 'param' | 'retryAfterMs'>> {
  readonly message?: string | undefined
  readonly status?: number | undefined
  /** Message for an error without any text. */
  readonly defaultMessage?: string | undefined
}

/** Reads a protocol's errors, including those of servers that deviate from it. */
export interface ErrorReader {
  /** Reads the body of a response with an error status; undefined where it holds no error. */
  readError(status: number, body: Buffer): UpstreamError | undefined
  /** Reads the value of `error`: an object, a string, or a list. */
  readErrorValue(value: unknown): UpstreamError | undefined
}

/** Creates the reader of a protocol's errors. */
export function errorReader(format: ErrorFormat): ErrorReader {
  function readErrorValue(value: unknown): UpstreamError | undefined {
    if (typeof value === 'string' && value !== '') return { ...EMPTY_ERROR, message: value }
    const error: unknown = Array.isArray(value) ? value[0] : value
    return isObject(error) ? readErrorObject(error, format) : undefined
  }

  function readError(status: number, body: Buffer): UpstreamError | undefined {
    const value = parseJson(body.toString())
    const first: unknown = Array.isArray(value) ? value[0] : value
    if (!isObject(first)) return undefined
    const { error } = first
    const upstreamError =
      readErrorValue(error) ?? readErrorValue(first.detail) ?? resultError(first) ?? readErrorValue(first)
    const hasMessage = first === value && isObject(error) && typeof error.message === 'string'
    return (
      upstreamError && { ...upstreamError, status, native: hasMessage && (format.isNative?.(first, error) ?? true) }
    )
  }

  return { readError, readErrorValue }
}

/** An error that is only a message. */
export function errorWithMessage(message: string): UpstreamError {
  return { ...EMPTY_ERROR, message }
}

const EMPTY_ERROR: UpstreamError = { status: undefined, message: '', type: null, code: null, param: null }

function readErrorObject(error: Fields, { statuses, genericType, read }: ErrorFormat): UpstreamError | undefined {
  const { defaultMessage, ...details } = read?.(error) ?? {}
  const { type = textOf(error.type), code = textOf(error.code), param = textOf(error.param) } = details
  const text = textOf(error.message) ?? textOf(error.msg) ?? textOf(error.detail)
  const message = details.message ?? text ?? code ?? (type === genericType ? null : type) ?? defaultMessage
  if (message === undefined) return undefined
  const number = typeof error.code === 'number' && error.code >= 100 ? error.code : undefined
  const status = details.status ?? number ?? statuses.get(code ?? '') ?? statuses.get(type ?? '')
  return { ...details, status, message, type, code, param }
}
