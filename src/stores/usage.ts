/** One per call, whatever its end. */
export interface UsageRecord {
  readonly requestId: string
  /** When it ended. */
  readonly time: Date
  readonly callerId: string
  readonly group: string
  /** From `x-modelmount-tags`. */
  readonly tags: readonly string[]
  readonly operation: string
  readonly protocol: string
  /** The public name that was asked for. */
  readonly model: string
  readonly stream: boolean
  /** `provider/model` that answered. */
  readonly target: string | undefined
  readonly attempts: readonly { readonly target: string; readonly status: number | string }[]
  /** What the client was told. */
  readonly status: number
  readonly outcome: 'complete' | 'failed' | 'cut' | 'left'
  /** Tokens as the upstream counted them, or else as `estimated`; undefined where nothing was charged and nobody said. */
  readonly inputTokens: number | undefined
  readonly cachedInputTokens: number | undefined
  readonly outputTokens: number | undefined
  readonly reasoningTokens: number | undefined
  /** The tokens are the relay's own estimate, at least in part: the upstream has not counted. */
  readonly estimated: boolean
  /** What the call is charged, the multiplier applied. Undefined where nobody knows a price. */
  readonly costNanos: number | undefined
  /** The group's, on the price. */
  readonly multiplier: number
  /** `hit`: answered from the cache; `shared`: from another call's answer; both cost nothing. */
  readonly cache: 'hit' | 'miss' | 'shared' | undefined
  /** What a translation had to leave out, as `x-modelmount-losses` tells it; in streams also what came later. */
  readonly losses: readonly { readonly path: string; readonly reason: string }[]
  readonly firstOutputMs: number | undefined
  readonly totalMs: number
  /** The code of the error that ended it. */
  readonly error: string | undefined
}

/** Which records are meant; each left out for all. */
export interface UsageFilter {
  readonly callerId?: string | undefined
  readonly group?: string | undefined
  /** The public name that was asked for. */
  readonly model?: string | undefined
  /** From this time on. */
  readonly from?: Date | undefined
  /** Before this time. */
  readonly to?: Date | undefined
}

/** Sums over the records of one caller at one model in one hour or day (UTC). */
export interface UsageSum {
  /** When the hour or day began. */
  readonly time: Date
  readonly callerId: string
  readonly model: string
  readonly calls: number
  readonly failed: number
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
  readonly costNanos: number
}

/** Shows usage records. */
export interface UsageReader {
  /** The newest first, at most `limit` of them (1,000 when left out). */
  query(filter?: UsageFilter, limit?: number): Promise<UsageRecord[]>
  /** In order of time, caller and model. */
  sums(per: 'hour' | 'day', filter?: UsageFilter): Promise<UsageSum[]>
}

/** Keeps usage records, in batches. */
export interface UsageStore extends UsageReader {
  /** Queues a record: it is written soon, with others. */
  write(record: UsageRecord): void
  /** Resolves when all that was queued is written. */
  flush(): Promise<void>
}
