import type { Failure } from './language.js'

/** How one of the demo's models behaves. */
export interface Behaviour {
  /** Fails before any answer. */
  readonly failure?: Failure
  /** In seconds, with the failure. */
  readonly retryAfter?: number
  /** Breaks the connection in the middle of the answer. */
  readonly cuts?: boolean
  readonly firstMs: number
  readonly everyMs: number
}

/** About the pace of a quick model. */
const HUMANE = { firstMs: 100, everyMs: 30 }

/** The demo's models. What each is for stands in its name. */
export const models: ReadonlyMap<string, Behaviour> = new Map<string, Behaviour>([
  ['demo', HUMANE],
  ['demo-slow', { firstMs: 3000, everyMs: 300 }],
  ['demo-cut', { ...HUMANE, cuts: true }],
  ['demo-500', { ...HUMANE, failure: fail(500, 'The demo fails, as it was asked to.', 'server_error') }],
  ['demo-429', { ...HUMANE, retryAfter: 1, failure: fail(429, 'The demo is over its limit.', 'rate_limit_exceeded') }],
])

/** For a name that is not the demo's. */
export const unknownModel: Failure = fail(
  404,
  'The demo has no such model.',
  'invalid_request_error',
  'model_not_found',
)

function fail(status: number, message: string, type: string, code: string = type): Failure {
  return { status, message, type, code }
}
