/** An error as an upstream reports it, in any protocol. */
export interface UpstreamError {
  /** The HTTP status, else a status in the body; undefined without either. */
  readonly status: number | undefined
  readonly message: string
  readonly type: string | null
  readonly code: string | null
  readonly param: string | null
  /** Retry-after time in the body, in ms. */
  readonly retryAfterMs?: number | undefined
  /** The body has the protocol's own error format, so callers of the same protocol can get its bytes. */
  readonly native?: boolean
}

/** The error for an answer that is not valid. `what` completes "The provider sent …". */
export function invalidAnswer(what: string): UpstreamError {
  return {
    status: undefined,
    message: `The provider sent ${what}.`,
    type: null,
    code: null,
    param: null,
  }
}
