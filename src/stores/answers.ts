/** A kept answer, as it went to the client. */
export interface CachedAnswer {
  readonly status: number
  /** Empty for the usual one. */
  readonly contentType: string
  /** `provider/model` that gave it. */
  readonly target: string
  /** Stands for the request it answers: of an idempotency key's second request it tells whether it is the same. */
  readonly fingerprint: string
  /** Epoch ms. */
  readonly storedAt: number
  /** What a translation had to leave out. */
  readonly losses: readonly { readonly path: string; readonly reason: string }[]
  /** The pieces as they came; a whole answer is one piece. */
  readonly pieces: readonly Buffer[]
  /** When each piece came, in ms from the first. Undefined for a whole answer. */
  readonly times: readonly number[] | undefined
}

/** Answers by key, for a while. Keys hold the tenant: no two tenants ever make the same. */
export interface AnswerStore {
  get(key: string): CachedAnswer | undefined | Promise<CachedAnswer | undefined>
  set(key: string, answer: CachedAnswer, ms: number): void | Promise<void>
}
