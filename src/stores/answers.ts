/** A stored answer, as the relay sent it to the client. */
export interface CachedAnswer {
  readonly status: number
  /** Empty for the protocol's usual content type. */
  readonly contentType: string
  /** The target that answered: `provider/model`. */
  readonly target: string
  /** Identifies the request. It shows whether a second request with the same idempotency key is the same request. */
  readonly fingerprint: string
  /** Epoch ms. */
  readonly storedAt: number
  /** What a translation left out. */
  readonly losses: readonly { readonly path: string; readonly reason: string }[]
  /** The chunks as they came. A whole answer is one chunk. */
  readonly chunks: readonly Buffer[]
  /** When each chunk came, in ms since the first. Undefined for a whole answer. */
  readonly times: readonly number[] | undefined
}

/** Keeps answers by key, for a limited time. Keys include the caller, so that callers never share answers. */
export interface AnswerStore {
  get(key: string): CachedAnswer | undefined | Promise<CachedAnswer | undefined>
  set(key: string, answer: CachedAnswer, ttlMs: number): void | Promise<void>
}
