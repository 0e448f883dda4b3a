/**
 * An `Error` that takes no stack trace. An upstream's failure is an outcome, not a place in the code, and to take the
 * trace cost more than all else that failover does (a quarter of a request).
 */
function stackless(): void {}
stackless.prototype = Error.prototype
const Stackless = stackless as unknown as new () => Error

/**
 * The one error of the relay. Its message is written for the caller: no secret, no internal address. What only the
 * operator may know is in `cause`. A failure of an upstream has `blame`, which says what may be tried next; without
 * one the caller is told at once.
 */
export class RelayError extends Stackless {
  override readonly name: string = 'RelayError'
  override readonly message: string
  override readonly cause: unknown
  readonly kind: ErrorKind
  readonly status: number
  readonly type: string
  readonly code: string | null
  readonly failureScope: FailureScope | undefined
  readonly param: string | null
  readonly retryAfterMs: number | undefined
  readonly headers: Record<string, string> | undefined
  readonly body: Buffer | undefined
  readonly upstreamStatus: number | undefined

  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super()
    const row = KINDS[kind]
    this.message = message
    this.cause = details.cause
    this.kind = kind
    this.status = isErrorStatus(details.status) ? details.status : row.status
    this.type = details.type ?? row.type
    this.code = details.code === undefined ? row.code : details.code
    this.failureScope = row.failureScope
    this.param = details.param ?? null
    this.retryAfterMs = details.retryAfterMs
    this.headers = details.headers
    this.body = details.body
    this.upstreamStatus = details.upstreamStatus
  }
}

/**
 * What an upstream's failure says, and so who tries next. `place`: that address is in trouble. `slow`: it took the
 * request and then kept silent, so it may still be billed. `rate`: this credential has had enough of this model.
 * `credential`: it is refused altogether. `context`, `filter`: only a target configured for that may help.
 */
export type FailureScope = 'place' | 'slow' | 'rate' | 'credential' | 'context' | 'filter'

interface KindRow {
  readonly status: number
  readonly type: string
  readonly code: string | null
  readonly failureScope?: FailureScope
}

const INVALID = 'invalid_request_error'

/** Every way a call can go wrong. */
export type ErrorKind =
  | 'invalid_request'
  | 'missing_parameter'
  | 'invalid_type'
  | 'untranslatable'
  | 'invalid_key'
  | 'ip_refused'
  | 'not_allowed'
  | 'unknown_path'
  | 'model_not_found'
  | 'wrong_method'
  | 'too_large'
  | 'unknown_encoding'
  | 'rate_limited'
  | 'insufficient_quota'
  | 'idempotency_conflict'
  | 'store_down'
  | 'overloaded'
  | 'client_left'
  | 'internal'
  | 'closing'
  | 'no_upstream'
  | 'upstream_busy'
  | 'upstream_rejected'
  | 'context_too_long'
  | 'content_filtered'
  | 'upstream_rate_limited'
  | 'upstream_refused'
  | 'upstream_unreachable'
  | 'upstream_invalid'
  | 'upstream_failed'
  | 'upstream_timeout'

/** How OpenAI's error format tells each of them. */
const KINDS: Readonly<Record<ErrorKind, KindRow>> = {
  invalid_request: { status: 400, type: INVALID, code: null },
  missing_parameter: { status: 400, type: INVALID, code: 'missing_required_parameter' },
  invalid_type: { status: 400, type: INVALID, code: 'invalid_type' },
  untranslatable: { status: 400, type: INVALID, code: 'untranslatable' },
  invalid_key: { status: 401, type: INVALID, code: 'invalid_api_key' },
  ip_refused: { status: 401, type: INVALID, code: 'ip_not_authorized' },
  not_allowed: { status: 403, type: INVALID, code: 'not_allowed' },
  unknown_path: { status: 404, type: INVALID, code: 'unknown_url' },
  model_not_found: { status: 404, type: INVALID, code: 'model_not_found' },
  wrong_method: { status: 405, type: INVALID, code: 'method_not_supported' },
  too_large: { status: 413, type: INVALID, code: 'request_too_large' },
  unknown_encoding: { status: 415, type: INVALID, code: 'unsupported_content_encoding' },
  rate_limited: { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  insufficient_quota: { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' },
  idempotency_conflict: { status: 409, type: INVALID, code: 'idempotency_key_in_use' },
  store_down: { status: 503, type: 'server_error', code: 'service_unavailable' },
  overloaded: { status: 503, type: 'server_error', code: 'overloaded' },
  client_left: { status: 499, type: INVALID, code: 'client_closed_request' },
  internal: { status: 500, type: 'server_error', code: 'server_error' },
  closing: { status: 503, type: 'server_error', code: 'service_unavailable' },
  no_upstream: { status: 503, type: 'server_error', code: 'service_unavailable' },
  upstream_busy: { status: 503, type: 'server_error', code: 'overloaded', failureScope: 'rate' },
  upstream_rejected: { status: 400, type: INVALID, code: null },
  context_too_long: { status: 400, type: INVALID, code: 'context_length_exceeded', failureScope: 'context' },
  content_filtered: { status: 400, type: INVALID, code: 'content_filter', failureScope: 'filter' },
  upstream_rate_limited: { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded', failureScope: 'rate' },
  upstream_refused: { status: 502, type: 'server_error', code: 'upstream_auth_error', failureScope: 'credential' },
  upstream_unreachable: { status: 502, type: 'server_error', code: 'upstream_unreachable', failureScope: 'place' },
  upstream_invalid: { status: 502, type: 'server_error', code: 'upstream_invalid_response', failureScope: 'place' },
  upstream_failed: { status: 502, type: 'server_error', code: 'server_error', failureScope: 'place' },
  upstream_timeout: { status: 504, type: 'server_error', code: 'timeout', failureScope: 'slow' },
}

export interface ErrorDetails {
  /** Overrides of the kind's row, where an upstream's answer said it better. */
  readonly status?: number | undefined
  readonly type?: string | undefined
  readonly code?: string | null | undefined
  /** The path of the value at fault, as `messages[2].content`. */
  readonly param?: string | undefined
  /** How long the client, or the next try, should wait. */
  readonly retryAfterMs?: number | undefined
  /** More headers for the answer, as `allow` on a 405. */
  readonly headers?: Record<string, string> | undefined
  /** The upstream's own error body, when it is fit to be passed on as it came. */
  readonly body?: Buffer | undefined
  /** The upstream's status, as its status line or, under 200, its error said. */
  readonly upstreamStatus?: number | undefined
  readonly cause?: unknown
}

function isErrorStatus(status: number | undefined): status is number {
  return Number.isInteger(status) && status !== undefined && status >= 400 && status <= 599
}
