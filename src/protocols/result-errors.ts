import type { UpstreamError } from '../chat/upstream-error.js'
import { isObject, textOf } from '../lib/values.js'

type Told = Pick<UpstreamError, 'status' | 'code'>

const BROKEN: Told = { status: 500, code: null }
const LATE: Told = { status: 504, code: null }
const TOO_FAST: Told = { status: 429, code: null }
const REFUSED: Told = { status: 401, code: null }
const UNPAID: Told = { status: 402, code: null }
const UNBOUGHT: Told = { status: 403, code: null }
const SPENT: Told = { status: 429, code: 'usage_limit_reached' }
const FILTERED: Told = { status: 400, code: 'content_filter' }
const WRONG: Told = { status: 400, code: null }

/** What the codes of `base_resp` would have come with, had they come as errors. */
const CODES: ReadonlyMap<string, Told> = new Map([
  ['1000', BROKEN],
  ['1001', LATE],
  ['1002', TOO_FAST],
  ['1004', REFUSED],
  ['1008', UNPAID],
  ['1024', BROKEN],
  ['1026', FILTERED],
  ['1027', FILTERED],
  ['1033', BROKEN],
  ['1039', TOO_FAST],
  ['1041', TOO_FAST],
  ['1042', WRONG],
  ['2013', WRONG],
  ['2045', TOO_FAST],
  ['2049', REFUSED],
  ['2056', SPENT],
  ['2061', UNBOUGHT],
])

/**
 * The failure that stands beside an answer, or in its place, under a status of success:
 * `{ "base_resp": { "status_code": 1004, "status_msg": "…" } }`, where 0 is none. A code that nobody knows is an answer
 * that is none.
 */
export function resultError({ base_resp: result }: Readonly<Record<string, unknown>>): UpstreamError | undefined {
  if (!isObject(result)) return undefined
  const number = textOf(result.status_code)
  if (number === null || number === '0') return undefined
  const { status, code } = CODES.get(number) ?? { status: undefined, code: null }
  const message = textOf(result.status_msg) ?? `The provider failed with code ${number}.`
  return { status, code, message, type: null, param: null }
}
