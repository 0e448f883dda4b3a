import type { UpstreamError } from '../chat/upstream-error.js'
import { isObject, parseJson, textOf } from '../lib/values.js'
import { resultError } from './result-errors.js'

type Fields = Readonly<Record<string, unknown>>

/** How a language speaks of errors, beyond what all of them share: an object with `message`, `type` and `code`. */
export interface ErrorWords {
  /** The HTTP status that a code or type would have come with, had the answer not begun with 200. */
  readonly statuses: ReadonlyMap<string, number>
  /** A type that says no more than that there is an error. */
  readonly muteType?: string
  readonly read?: (error: Fields) => OwnErrorWords
  /** Whether a body that holds `error` with a message is written as the language has it. */
  readonly isNative?: (body: Fields, error: Fields) => boolean
}

/** What a language says elsewhere than others do. */
export interface OwnErrorWords extends Partial<Pick<UpstreamError, 'type' | 'code' | 'param' | 'retryAfterMs'>> {
  readonly message?: string | undefined
  readonly status?: number | undefined
  /** Stands in where there are no words at all. */
  readonly unnamed?: string | undefined
}

/** Reads errors, also those of servers that almost write them so. */
export interface ErrorReader {
  /** The body of an answer with an error's status; undefined when it holds no error. */
  readError(status: number, body: Buffer): UpstreamError | undefined
  /** Whatever stands under `error`: an object, a bare string, a list of what was found wrong. */
  readErrorValue(value: unknown): UpstreamError | undefined
}

/** A language's reader, from its words. */
export function errorReader(words: ErrorWords): ErrorReader {
  function readErrorValue(value: unknown): UpstreamError | undefined {
    if (typeof value === 'string' && value !== '') return { ...NOTHING, message: value }
    const error: unknown = Array.isArray(value) ? value[0] : value
    return isObject(error) ? readError(error, words) : undefined
  }

  function readFault(status: number, body: Buffer): UpstreamError | undefined {
    const value = parseJson(body.toString())
    const first: unknown = Array.isArray(value) ? value[0] : value
    if (!isObject(first)) return undefined
    const { error } = first
    const upstreamError =
      readErrorValue(error) ?? readErrorValue(first.detail) ?? resultError(first) ?? readErrorValue(first)
    const told = first === value && isObject(error) && typeof error.message === 'string'
    return upstreamError && { ...upstreamError, status, native: told && (words.isNative?.(first, error) ?? true) }
  }

  return { readError: readFault, readErrorValue }
}

/** A fault of which only the words are known. */
export function bareError(message: string): UpstreamError {
  return { ...NOTHING, message }
}

const NOTHING: UpstreamError = { status: undefined, message: '', type: null, code: null, param: null }

function readError(error: Fields, { statuses, muteType, read }: ErrorWords): UpstreamError | undefined {
  const { unnamed, ...own } = read?.(error) ?? {}
  const { type = textOf(error.type), code = textOf(error.code), param = textOf(error.param) } = own
  const words = textOf(error.message) ?? textOf(error.msg) ?? textOf(error.detail)
  const message = own.message ?? words ?? code ?? (type === muteType ? null : type) ?? unnamed
  if (message === undefined) return undefined
  const number = typeof error.code === 'number' && error.code >= 100 ? error.code : undefined
  const status = own.status ?? number ?? statuses.get(code ?? '') ?? statuses.get(type ?? '')
  return { ...own, status, message, type, code, param }
}
