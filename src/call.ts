import type { Caller } from './caller.js'
import type { Loss } from './chat/losses.js'
import type { ChatRequest } from './chat/request.js'
import type { Usage } from './chat/usage.js'
import type { Operation } from './endpoints.js'
import type { RelayError } from './errors.js'
import type { ByteChunks } from './lib/byte-chunks.js'
import type { ClientConnection } from './lib/client-connection.js'
import type { Protocol } from './protocols/protocol.js'
import type { PathFacts, RequestFacts } from './protocols/request-facts.js'
import type { Nanos } from './stores/ledger.js'
import type { Target } from './targets.js'

/** One call on its way through the relay: what was asked, by whom, and what has become of it so far. */
export interface Call {
  readonly id: string
  /** On the clock of `now()`, in ms. */
  readonly startedAt: number
  readonly operation: Operation
  /** The path of its row in the table of endpoints. */
  readonly endpoint: string
  readonly protocol: Protocol
  readonly caller: Caller
  readonly path: PathFacts
  readonly facts: RequestFacts
  /** Empty where {@link form} is set. */
  readonly body: Buffer
  /** A multipart body, in the chunks in which it arrived. */
  readonly form: ByteChunks | undefined
  /** The body as a protocol-neutral conversation, once something has read it so. */
  conversation: ChatRequest | undefined
  /** The client's headers that go on to an upstream of the same protocol: name, value, name, value. */
  readonly forwardedHeaders: readonly string[]
  /** The connection whose closing cancels the call. Replaced where several clients share one answer. */
  client: ClientConnection
  /** Under the strategy `sticky`, the same value leads to the same target. */
  readonly affinity: string
  /** Filled by failover, one entry per attempt. */
  readonly attempts: AttemptLog[]
  /** From `x-modelmount-tags`, for the usage record. */
  readonly tags: readonly string[]
  /** The client's `cache-control` header. */
  readonly cacheControl: string | undefined
  readonly idempotencyKey: string | undefined
  /** Headers of the answer, whatever the answer is. */
  readonly responseHeaders: Record<string, string>
  /** Undefined where the call does not use the cache. */
  cacheState: 'hit' | 'miss' | 'shared' | undefined
  /** Limits and budget taken for the call; undefined before admission. */
  lease: Lease | undefined
  /** Undefined before the call has ended. */
  charge: CallCharge | undefined
  /** Usage matters to a limit, a budget or a record: streams are asked for it even if the client did not ask. */
  needsUsage: boolean
  /** Ends the call. Only the first time counts. */
  readonly settle: (end: CallEnd) => void
  /** Called once, when the call has ended. */
  onEnd: ((end: CallEnd) => void) | undefined
}

/** How a call ended. `cut`: the upstream broke off a begun answer. `left`: the client disconnected. */
export type Outcome = 'complete' | 'failed' | 'cut' | 'left'

/** What is known when a call ends. */
export interface CallEnd {
  readonly outcome: Outcome
  /** HTTP status of the answer. */
  readonly status: number
  readonly target?: Target | undefined
  /** `provider/model` of a cached or shared answer, where no target was called. */
  readonly servedBy?: string | undefined
  /** As reported by the upstream. Of a broken-off answer possibly only the beginning: see {@link deliveredTokens}. */
  readonly usage?: Usage | undefined
  /**
   * Estimated output tokens, where the upstream reported none or only those of the beginning. Replaces `usage.output`.
   * Undefined where `usage` is complete. A function where the estimate is made only if something needs it.
   */
  readonly deliveredTokens?: number | (() => number) | undefined
  /** The model refused, or a filter cut the answer short, in at least one choice. */
  readonly refused?: boolean | undefined
  /** What translation had to leave out. */
  readonly losses?: readonly Loss[] | undefined
  readonly firstOutputMs?: number | undefined
  readonly error?: RelayError | undefined
}

/** One attempt, as `x-modelmount-attempts` and the usage record show it. */
export interface AttemptLog {
  /** `provider/model`. */
  readonly target: string
  /** The upstream's status, or why there was no usable answer: `timeout`, `unreachable`, `busy`, `cut`, `invalid`. */
  readonly status: number | string
}

/** Limits and budget that a call holds until it ends. */
export interface Lease {
  /** Tokens or money are counted, so the reported usage matters. */
  readonly isCounted: boolean
  /** Money of a budget is reserved for the call. */
  readonly hasReservation: boolean
  /** Replaces the estimate by the actual use: gives back the surplus, or leaves a debt. Only the first time counts. */
  settle(actual: ActualUse): void
}

/** What a call really used. */
export interface ActualUse {
  /** Input plus output. */
  readonly tokens: number
  readonly costNanos: Nanos
}

/** What a call costs its caller. */
export interface CallCharge {
  readonly usage: Usage | undefined
  /** At least a part of the usage is the relay's own estimate. */
  readonly isEstimated: boolean
  /** Cost in nano-dollars, the group's multiplier applied. Undefined where no price is known, or nothing needed one. */
  readonly costNanos: Nanos | undefined
  readonly multiplier: number
}
