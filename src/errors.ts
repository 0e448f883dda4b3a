/**
 * An `Error` without a stack trace. An upstream's failure is an outcome, not a place in the code, and taking the trace
 * cost more than all the rest of failover (a quarter of a request).
 */
function stackless(): void {}
stackless.prototype = Error.prototype
const Stackless = stackless as unknown as new () => Error

/**
 * The one error class of the relay. Its message is written for the caller: no secret, no internal address. `cause` holds
 * what only the operator may know. A failure of an upstream has a `failureScope`, which decides what failover tries
 * next; an error without one goes to the caller at once.
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
 * What a failure of an upstream rules out. `base-url`: this address does not work. `timeout`: the upstream took the
 * request and stayed silent, so it may still bill it. `rate-limit`: this credential has no quota left for this model.
 * `credential`: the upstream refuses this credential. `context`, `filter`: only a target configured for that may help.
 */
export type FailureScope = 'base-url' | 'timeout' | 'rate-limit' | 'credential' | 'context' | 'filter'

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

/** How each kind appears in OpenAI's error format. */
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
  upstream_busy: { status: 503, type: 'server_error', code: 'overloaded', failureScope: 'rate-limit' },
  upstream_rejected: { status: 400, type: INVALID, code: null },
  context_too_long: { status: 400, type: INVALID, code: 'context_length_exceeded', failureScope: 'context' },
  content_filtered: { status: 400, type: INVALID, code: 'content_filter', failureScope: 'filter' },
  upstream_rate_limited: {
    status: 429,
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    failureScope: 'rate-limit',
  },
  upstream_refused: { status: 502, type: 'server_error', code: 'upstream_auth_error', failureScope: 'credential' },
  upstream_unreachable: { status: 502, type: 'server_error', code: 'upstream_unreachable', failureScope: 'base-url' },
  upstream_invalid: { status: 502, type: 'server_error', code: 'upstream_invalid_response', failureScope: 'base-url' },
  upstream_failed: { status: 502, type: 'server_error', code: 'server_error', failureScope: 'base-url' },
  upstream_timeout: { status: 504, type: 'server_error', code: 'timeout', failureScope: 'timeout' },
}

export interface ErrorDetails {
  /** Overrides the kind's row, where the upstream's answer is more precise. */
  readonly status?: number | undefined
  readonly type?: string | undefined
  readonly code?: string | null | undefined
  /** Path of the invalid value: `messages[2].content`. */
  readonly param?: string | undefined
  /** How long the client, or the next attempt, should wait. In ms. */
  readonly retryAfterMs?: number | undefined
  /** Further headers of the answer, such as `allow` on a 405. */
  readonly headers?: Record<string, string> | undefined
  /** The upstream's own error body, where the caller may see it unchanged. */
  readonly body?: Buffer | undefined
  /** The upstream's status: of its status line or, for an error inside a 200, of that error. */
  readonly upstreamStatus?: number | undefined
  readonly cause?: unknown
}

function isErrorStatus(status: number | undefined): status is number {
  return Number.isInteger(status) && status !== undefined && status >= 400 && status <= 599
}
