import type { UpstreamError } from '../chat/upstream-error.js'
import { isObject, textOf } from '../lib/values.js'

type ErrorCode = Pick<UpstreamError, 'status' | 'code'>

const INTERNAL: ErrorCode = { status: 500, code: null }
const TIMEOUT: ErrorCode = { status: 504, code: null }
const RATE_LIMITED: ErrorCode = { status: 429, code: null }
const UNAUTHORIZED: ErrorCode = { status: 401, code: null }
const NO_BALANCE: ErrorCode = { status: 402, code: null }
const NOT_IN_PLAN: ErrorCode = { status: 403, code: null }
const QUOTA_SPENT: ErrorCode = { status: 429, code: 'usage_limit_reached' }
const FILTERED: ErrorCode = { status: 400, code: 'content_filter' }
const INVALID: ErrorCode = { status: 400, code: null }

/** Status and code for MiniMax's codes in `base_resp`. */
const CODES: ReadonlyMap<string, ErrorCode> = new Map([
  ['1000', INTERNAL],
  ['1001', TIMEOUT],
  ['1002', RATE_LIMITED],
  ['1004', UNAUTHORIZED],
  ['1008', NO_BALANCE],
  ['1024', INTERNAL],
  ['1026', FILTERED],
  ['1027', FILTERED],
  ['1033', INTERNAL],
  ['1039', RATE_LIMITED],
  ['1041', RATE_LIMITED],
  ['1042', INVALID],
  ['2013', INVALID],
  ['2045', RATE_LIMITED],
  ['2049', UNAUTHORIZED],
  ['2056', QUOTA_SPENT],
  ['2061', NOT_IN_PLAN],
])

/**
 * Reads MiniMax's error beside or in place of an answer with status 200:
 * `{ "base_resp": { "status_code": 1004, "status_msg": "…" } }`. Code 0 is success; an unknown code is an error without a
 * status.
 */
export function resultError({ base_resp: result }: Readonly<Record<string, unknown>>): UpstreamError | undefined {
  if (!isObject(result)) return undefined
  const number = textOf(result.status_code)
  if (number === null || number === '0') return undefined
  const { status, code } = CODES.get(number) ?? { status: undefined, code: null }
  const message = textOf(result.status_msg) ?? `The provider failed with code ${number}.`
  return { status, code, message, type: null, param: null }
}
