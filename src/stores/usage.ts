/** The record of one call. The relay makes one for each call that it routed, however the call ended. */
export interface UsageRecord {
  /** The value of `x-request-id`. */
  readonly requestId: string
  /** When the call ended. */
  readonly time: Date
  readonly callerId: string
  readonly group: string
  /** The words of `x-modelmount-tags`. */
  readonly tags: readonly string[]
  readonly operation: string
  readonly protocol: string
  /** The public model name that the client asked for. */
  readonly model: string
  readonly stream: boolean
  /** The target that answered: `provider/model`. */
  readonly target: string | undefined
  /** Every attempt, with its status or a word such as `timeout` or `unreachable`. */
  readonly attempts: readonly { readonly target: string; readonly status: number | string }[]
  /** The status that the client received. */
  readonly status: number
  /**
   * `failed`: no answer, or an error inside the stream. `cut`: the stream broke off. `left`: the client disconnected.
   */
  readonly outcome: 'complete' | 'failed' | 'cut' | 'left'
  /**
   * Includes cached tokens. Token counts are the provider's, or the relay's (see `estimated`). Undefined if no
   * tokens were charged or counted.
   */
  readonly inputTokens: number | undefined
  /** Input tokens that the provider read from its prompt cache. */
  readonly cachedInputTokens: number | undefined
  readonly outputTokens: number | undefined
  /** The part of the output tokens that was reasoning. */
  readonly reasoningTokens: number | undefined
  /** Whether the relay estimated some of the token counts, because the provider did not report them. */
  readonly estimated: boolean
  /** What the call is charged, in nano-dollars, including the multiplier. Undefined if the price is unknown. */
  readonly costNanos: number | undefined
  /** The price multiplier of the caller's group. */
  readonly multiplier: number
  /** `hit`: answered from the cache. `shared`: answered from the answer to another call. Both cost nothing. */
  readonly cache: 'hit' | 'miss' | 'shared' | undefined
  /** What a translation left out, as in `x-modelmount-losses`. For a stream also what was left out later. */
  readonly losses: readonly { readonly path: string; readonly reason: string }[]
  /** Time from the arrival of the request to the first output, in ms. */
  readonly firstOutputMs: number | undefined
  /** Time from the arrival of the request to the end of the call, in ms. */
  readonly totalMs: number
  /** Code of the error that ended the call. */
  readonly error: string | undefined
}

/** Selects usage records. A field that is left out selects all. */
export interface UsageFilter {
  readonly callerId?: string | undefined
  readonly group?: string | undefined
  /** The public model name that the client asked for. */
  readonly model?: string | undefined
  /** Calls that ended at this time or later. */
  readonly from?: Date | undefined
  /** Calls that ended before this time. */
  readonly to?: Date | undefined
}

/** Sums over the records of one caller at one model in one hour or day (UTC). */
export interface UsageSum {
  /** When the hour or day began. */
  readonly time: Date
  readonly callerId: string
  readonly model: string
  readonly calls: number
  /** Calls with the outcome `failed` or `cut`. */
  readonly failed: number
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
  /** In nano-dollars. */
  readonly costNanos: number
}

/** Reads usage records. */
export interface UsageReader {
  /** Returns the newest records first, at most `limit` of them. Default: 1,000. */
  query(filter?: UsageFilter, limit?: number): Promise<UsageRecord[]>
  /** Returns sums in the order of time, caller and model. */
  sums(per: 'hour' | 'day', filter?: UsageFilter): Promise<UsageSum[]>
}

/** Keeps usage records. */
export interface UsageStore extends UsageReader {
  /** Queues a record. The store writes it soon, together with others. */
  write(record: UsageRecord): void
  /** Resolves when every queued record is written. */
  flush(): Promise<void>
}
