import type { UpstreamError } from '../../chat/upstream-error.js'
import { type ErrorKind, RelayError } from '../../errors.js'
import { errorCodeOf } from '../../lib/error-code.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { Credential } from '../../targets.js'
import { redactError, redactJson } from './redact.js'

/** Codes of a 429 that no waiting cures, but another credential may. Message texts are no evidence: a rate limit may say "quota" too. */
const EXHAUSTED = new Set([
  'insufficient_quota',
  'billing_hard_limit_reached',
  'usage_limit_reached',
  'enforced_spend_limit_reached',
  'contract_spend_limit_reached',
])
const CONTEXT_TOO_LONG = 'context_length_exceeded'
const CONTEXT_TOO_LONG_MESSAGE =
  /context[ _-]?(length|window)|maximum context|prompt is too long|input is too long|input token count.{0,80}exceeds/i
const FILTERED = new Set(['content_filter', 'content_policy_violation', 'moderation_blocked'])

/** Statuses under 500 that are not the request's fault: another upstream may accept it. */
const RETRYABLE = new Set([408, 409, 424, 425])

/** Proxies' own statuses, and the standard ones that clients know. */
const STANDARD_STATUS = new Map([
  [520, 502],
  [521, 502],
  [522, 504],
  [523, 502],
  [524, 504],
  [529, 503],
])

/** Codes for statuses that say more than their kind of error. */
const CODE_BY_STATUS = new Map([[529, 'overloaded']])

/** Errors of the request itself: a caller of the same protocol gets the provider's own error body. */
const PASSES_BODY: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'upstream_rejected',
  'context_too_long',
  'content_filtered',
])

/** The response that carried an error. */
export interface ErrorContext {
  readonly upstreamStatus: number
  readonly retryAfterMs?: number | undefined
  /** The caller speaks another protocol, which does not know the upstream's error types. */
  readonly isTranslated?: boolean
  /** Returns the error's body without secrets, where the caller may get it. */
  readonly body?: (() => Buffer | undefined) | undefined
}

/** Converts an upstream's error, after removing secrets from its texts. */
export function toRedactedRelayError(
  upstreamError: UpstreamError | undefined,
  credential: Credential,
  context: ErrorContext,
): RelayError {
  return toRelayError(upstreamError && redactError(upstreamError, credential), context)
}

/** Reads a response with an error status. `body`: undefined where it did not arrive whole. */
export function readErrorResponse(
  body: Buffer | undefined,
  protocol: Protocol,
  credential: Credential,
  context: ErrorContext,
): RelayError {
  const upstreamError = body && protocol.readError(context.upstreamStatus, body)
  const mayPassBody = !context.isTranslated && upstreamError?.native === true
  const passedBody = mayPassBody ? () => Buffer.from(redactJson(body?.toString() ?? '', credential)) : undefined
  return toRedactedRelayError(upstreamError, credential, { ...context, body: passedBody })
}

/** The error for a bug of the relay: it must cost one call, not the process. */
export function internalError(cause: unknown): RelayError {
  return new RelayError('internal', 'The relay failed to handle this request.', { cause })
}

/** The error for what was thrown while an answer was processed. A `RangeError` means that the answer is too deep or too large. */
export function toAnswerError(cause: unknown): RelayError {
  if (!(cause instanceof RangeError)) return internalError(cause)
  return new RelayError('upstream_invalid', 'The provider gave an answer that is too deep or too large.', { cause })
}

/** Converts an upstream's error to the relay's own. The status line wins over the body, unless it says 200. */
export function toRelayError(upstreamError: UpstreamError | undefined, context: ErrorContext): RelayError {
  const { upstreamStatus } = context
  const retryAfterMs = context.retryAfterMs ?? upstreamError?.retryAfterMs
  const status = actualStatus(upstreamStatus, upstreamError)
  const kind = kindOf(status, upstreamError)
  if (kind === 'upstream_refused') {
    return new RelayError(kind, "The provider refused the relay's credential.", {
      upstreamStatus: status,
      cause: upstreamError?.message,
    })
  }
  const message = upstreamError?.message || `The provider answered with status ${upstreamStatus} and no explanation.`
  if (kind === 'upstream_invalid') return new RelayError(kind, message, { upstreamStatus })
  // Clients check for this code. The relay adds it where the upstream says so only in its message.
  const hasCode = kind !== 'context_too_long' || upstreamError?.code === CONTEXT_TOO_LONG
  return new RelayError(kind, message, {
    status: STANDARD_STATUS.get(status) ?? status,
    type: context.isTranslated ? undefined : (upstreamError?.type ?? undefined),
    code: hasCode ? (upstreamError?.code ?? CODE_BY_STATUS.get(status)) : undefined,
    param: upstreamError?.param ?? undefined,
    body: PASSES_BODY.has(kind) && hasCode ? context.body?.() : undefined,
    retryAfterMs,
    upstreamStatus: status,
  })
}

/** Some upstreams report a bad key as a 400 whose body says 401. */
function actualStatus(upstreamStatus: number, upstreamError: UpstreamError | undefined): number {
  if (upstreamStatus < 400) return upstreamError?.status ?? 0
  return upstreamStatus === 400 && upstreamError?.status === 401 ? 401 : upstreamStatus
}

function kindOf(status: number, upstreamError: UpstreamError | undefined): ErrorKind {
  const code = upstreamError?.code ?? ''
  if (status === 403 && FILTERED.has(code)) return 'content_filtered'
  if (status === 401 || status === 402 || status === 403) return 'upstream_refused'
  if (status === 429) return EXHAUSTED.has(code) ? 'upstream_refused' : 'upstream_rate_limited'
  if (RETRYABLE.has(status) || (status >= 500 && status <= 599)) return 'upstream_failed'
  if (status < 400 || status >= 500) return 'upstream_invalid'
  // All other errors are the request's own, and never count against the upstream.
  if (code === CONTEXT_TOO_LONG || CONTEXT_TOO_LONG_MESSAGE.test(upstreamError?.message ?? ''))
    return 'context_too_long'
  if (FILTERED.has(code)) return 'content_filtered'
  return 'upstream_rejected'
}

const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])
/** Errors of an established connection: the upstream may have read the request, but cannot answer it. */
const CONNECTION_LOST = new Set([
  'UND_ERR_SOCKET',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_ABORTED',
])

/** Converts a connection error. Its text may name internal addresses, so only `cause` has it. */
export function toConnectionError(cause: unknown): RelayError {
  if (cause instanceof RelayError) return cause
  const code = errorCodeOf(cause)
  if (TIMEOUTS.has(code)) return new RelayError('upstream_timeout', 'The provider timed out.', { cause })
  if (cause instanceof Error && cause.name === 'HTTPParserError') {
    return new RelayError('upstream_invalid', 'The provider gave an answer that is not HTTP.', { cause })
  }
  if (CONNECTION_LOST.has(code)) {
    return new RelayError('upstream_failed', 'The provider broke off the connection.', { cause })
  }
  return new RelayError('upstream_unreachable', 'The provider cannot be reached.', { cause })
}
