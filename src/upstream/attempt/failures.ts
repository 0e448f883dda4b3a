import type { UpstreamError } from '../../chat/upstream-error.js'
import { type ErrorKind, RelayError } from '../../errors.js'
import { codeOf } from '../../lib/codes.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { Credential } from '../../targets.js'
import { redactFault, redactJson } from './redact.js'

/** Account trouble that comes as a 429: no waiting helps, another credential does. Told by code, never by the word "quota". */
const EXHAUSTED = new Set([
  'insufficient_quota',
  'billing_hard_limit_reached',
  'usage_limit_reached',
  'enforced_spend_limit_reached',
  'contract_spend_limit_reached',
])
const CONTEXT_TOO_LONG = 'context_length_exceeded'
const TOO_LONG =
  /context[ _-]?(length|window)|maximum context|prompt is too long|input is too long|input token count.{0,80}exceeds/i
const FILTERED = new Set(['content_filter', 'content_policy_violation', 'moderation_blocked'])

/** Statuses under 500 that say nothing against the request: another upstream may take it. */
const TRY_ELSEWHERE = new Set([408, 409, 424, 425])

/** Statuses that only a proxy in between uses, as the standard ones that clients know. */
const STANDARD = new Map([
  [520, 502],
  [521, 502],
  [522, 504],
  [523, 502],
  [524, 504],
  [529, 503],
])

/** What a status says that its kind of error does not. */
const CODES = new Map([[529, 'overloaded']])

/** What is wrong with the request itself: its caller is given all that the provider said of it, in its own words. */
const TOLD_WHOLE: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'upstream_rejected',
  'context_too_long',
  'content_filtered',
])

/** What stands around a fault: the status line and headers it came with. */
export interface Circumstances {
  readonly upstreamStatus: number
  readonly retryAfterMs?: number | undefined
  /** The caller speaks another language, in which the upstream's type of error is no word. */
  readonly isForeign?: boolean
  /** The error's bytes, made fit to be passed on when they are to be told. */
  readonly body?: (() => Buffer | undefined) | undefined
}

/** The same for a fault as the upstream told it: with its secrets hidden first. */
export function failureOf(
  upstreamError: UpstreamError | undefined,
  credential: Credential,
  around: Circumstances,
): RelayError {
  return toRelayError(upstreamError && redactFault(upstreamError, credential), around)
}

interface From {
  readonly protocol: Protocol
  readonly credential: Credential
  /** The caller speaks the upstream's language, and can be given its own words. */
  readonly isTheirs: boolean
}

/** An answer with an error's status, by its body if it came whole. */
export function readFailure(bytes: Buffer | undefined, from: From, around: Circumstances): RelayError {
  const { protocol, credential, isTheirs } = from
  const upstreamError = bytes && protocol.readError(around.upstreamStatus, bytes)
  const passes = isTheirs && upstreamError?.native === true
  const body = passes ? () => Buffer.from(redactJson(bytes?.toString() ?? '', credential)) : undefined
  return failureOf(upstreamError, credential, { ...around, body })
}

/** A bug of ours: it must cost one call, not the process. */
export function broken(cause: unknown): RelayError {
  return new RelayError('internal', 'The relay failed to handle this request.', { cause })
}

/** What went wrong while an answer was taken: nested or counted beyond what can be handled it is no answer, else it is {@link broken}. */
export function unreadable(cause: unknown): RelayError {
  if (!(cause instanceof RangeError)) return broken(cause)
  return new RelayError('upstream_invalid', 'The provider gave an answer beyond all measure.', { cause })
}

/** An upstream's error answer, as the relay's own. The status line is believed before the body, unless it said 200. */
export function toRelayError(upstreamError: UpstreamError | undefined, around: Circumstances): RelayError {
  const { upstreamStatus } = around
  const retryAfterMs = around.retryAfterMs ?? upstreamError?.retryAfterMs
  const status = statusOf(upstreamStatus, upstreamError)
  const kind = kindOf(status, upstreamError)
  if (kind === 'upstream_refused') {
    return new RelayError(kind, "The provider refused the relay's credential.", {
      upstreamStatus: status,
      cause: upstreamError?.message,
    })
  }
  const message = upstreamError?.message || `The provider answered with status ${upstreamStatus} and no explanation.`
  if (kind === 'upstream_invalid') return new RelayError(kind, message, { upstreamStatus })
  // A caller looks for the code of a context too long; one that was told in prose only gets it from us.
  const isNamed = kind !== 'context_too_long' || upstreamError?.code === CONTEXT_TOO_LONG
  return new RelayError(kind, message, {
    status: STANDARD.get(status) ?? status,
    type: around.isForeign ? undefined : (upstreamError?.type ?? undefined),
    code: isNamed ? (upstreamError?.code ?? CODES.get(status)) : undefined,
    param: upstreamError?.param ?? undefined,
    body: TOLD_WHOLE.has(kind) && isNamed ? around.body?.() : undefined,
    retryAfterMs,
    upstreamStatus: status,
  })
}

/** A bad key may come as a 400 that only in its body is a 401. */
function statusOf(upstreamStatus: number, upstreamError: UpstreamError | undefined): number {
  if (upstreamStatus < 400) return upstreamError?.status ?? 0
  return upstreamStatus === 400 && upstreamError?.status === 401 ? 401 : upstreamStatus
}

function kindOf(status: number, upstreamError: UpstreamError | undefined): ErrorKind {
  const code = upstreamError?.code ?? ''
  if (status === 403 && FILTERED.has(code)) return 'content_filtered'
  if (status === 401 || status === 402 || status === 403) return 'upstream_refused'
  if (status === 429) return EXHAUSTED.has(code) ? 'upstream_refused' : 'upstream_rate_limited'
  if (TRY_ELSEWHERE.has(status) || (status >= 500 && status <= 599)) return 'upstream_failed'
  if (status < 400 || status >= 500) return 'upstream_invalid'
  // What is left is of the request's own making, and never held against the upstream.
  if (code === CONTEXT_TOO_LONG || TOO_LONG.test(upstreamError?.message ?? '')) return 'context_too_long'
  if (FILTERED.has(code)) return 'content_filtered'
  return 'upstream_rejected'
}

const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])
/** After a connection stood: the request may have been read, but no answer can come any more. */
const BROKEN = new Set([
  'UND_ERR_SOCKET',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_ABORTED',
])

/** A connection's error, as the relay's own. Its text may name internal addresses, so it is kept as the cause only. */
export function toConnectionError(cause: unknown): RelayError {
  if (cause instanceof RelayError) return cause
  const code = codeOf(cause)
  if (TIMEOUTS.has(code)) return new RelayError('upstream_timeout', 'The provider kept silent for too long.', { cause })
  if (cause instanceof Error && cause.name === 'HTTPParserError') {
    return new RelayError('upstream_invalid', 'The provider gave an answer that is not HTTP.', { cause })
  }
  if (BROKEN.has(code)) {
    return new RelayError('upstream_failed', 'The provider broke off the connection.', { cause })
  }
  return new RelayError('upstream_unreachable', 'The provider cannot be reached.', { cause })
}
