/** An upstream's own account of what went wrong, in whatever shape it came. */
export interface UpstreamError {
  /** As the upstream's HTTP status or its body says; undefined when neither does. */
  readonly status: number | undefined
  readonly message: string
  readonly type: string | null
  readonly code: string | null
  readonly param: string | null
  /** How long to wait, where the body says it. */
  readonly retryAfterMs?: number | undefined
  /** The body is written the way its language writes errors, so its bytes can be passed on to those who speak it. */
  readonly native?: boolean
}

/** An answer that is no answer, in our words. */
export function invalidAnswer(what: string): UpstreamError {
  return { status: undefined, message: `The upstream gave ${what}.`, type: null, code: null, param: null }
}
