import type { Loss } from './chat/losses.js'
import type { ChatRequest } from './chat/request.js'
import type { Usage } from './chat/usage.js'
import type { Operation } from './endpoints.js'
import type { RelayError } from './errors.js'
import type { ByteChunks } from './lib/byte-chunks.js'
import type { ClientConnection } from './lib/client-connection.js'
import type { Edit, Span } from './lib/splice.js'
import type { CallCharge } from './policies/admission/accounting.js'
import type { Lease } from './policies/admission/admission.js'
import type { Dialect } from './protocols/dialect.js'
import type { PathFacts, Protocol } from './protocols/protocol.js'
import type { Provider } from './providers/provider.js'
import type { RequestFormat } from './providers/request-format.js'
import type { Limits } from './stores/limits.js'
import type { CreateTranscoder } from './upstream/transcode/transcoder.js'

/** Who is asking: one of our own keys, or whom the host's `authenticate` named. */
export interface Caller {
  /** Unique among callers; stands in logs and usage records, so it is never the secret. */
  readonly id: string
  readonly group?: string | undefined
  /** Public model names this caller may use, `*` for any run of characters. Left out: its group's, else all. */
  readonly models?: readonly string[] | undefined
  /** Over its group's `keyLimits` and the relay's `limits`, one by one. */
  readonly limits?: CallerLimits | undefined
  /** What it may spend. */
  readonly budget?: Budget | readonly Budget[] | undefined
}

/** What a caller may use in all, and of single models: public names, `*` for any run of characters. */
export interface CallerLimits extends Limits {
  readonly models?: Readonly<Record<string, Limits>> | undefined
}

/** What may be spent: once and for all (`total`), or anew each day, week (from Monday) or month, in UTC. */
export interface Budget {
  readonly usd: number
  readonly per?: 'total' | 'day' | 'week' | 'month' | undefined
}

/** One of a provider's keys. */
export interface Credential {
  /** `openai#0`: for health, logs and `explain`; never the secret. */
  readonly name: string
  /** The headers of every request with this credential, as name, value, name, value. */
  readonly headers: readonly string[]
}

/** One of a provider's addresses. */
export interface BaseUrl {
  /** `https://api.openai.com`: what a connection pool is for. */
  readonly origin: string
  /** `/v1`: the path that its base URL has. */
  readonly pathPrefix: string
  /** What stands before a language's own paths, by its id. */
  readonly protocolPrefixes: ReadonlyMap<string, string>
  /** The ids of languages whose own paths lose their version here. */
  readonly unversioned: ReadonlySet<string>
  /** Places with the same name share their connections. */
  readonly poolKey: string
}

/** A configured provider: where its requests go, as whom, and how patiently. */
export interface Upstream {
  readonly id: string
  readonly provider: Provider
  /** What it speaks where no model is meant. */
  readonly speaks: readonly Protocol[]
  /** How a model of it is spoken to. */
  readonly profileFor: (model: string) => ModelProfile
  readonly credentials: readonly Credential[]
  /** The first is the primary, the others its backups. */
  readonly baseUrls: readonly BaseUrl[]
  readonly timeouts: Timeouts
  readonly pace?: Pace | undefined
  /** How often it is asked for its list of models; never where it is undefined. */
  readonly refreshModelsMs?: number | undefined
  /** Counts picks, so that the pool of credentials is used in turn. */
  picks: number
}

/** Milliseconds. */
export interface Timeouts {
  readonly connectMs: number
  readonly headersMs: number
  readonly firstOutputMs: number
  readonly idleMs: number
}

/** How gently a credential is used: see `providers.*.pace` in the config. */
export interface Pace {
  readonly concurrency?: number | undefined
  readonly minTimeMs: number
  readonly queue: number
  readonly queueMs: number
}

/** How a model is spoken to. */
export interface ModelProfile {
  /** What is in another language is translated into the first. */
  readonly speaks: readonly Protocol[]
  /** It can be asked for a count of tokens, in such of these languages as can ask for one. */
  readonly countsTokens: boolean
  /** What it takes of a language, beside what all do. */
  readonly dialect: Dialect
  /** Undefined where requests go as their language has them. */
  readonly requestFormat: RequestFormat | undefined
}

/** A model at a provider, and how it has been doing. */
export interface Target extends ModelProfile {
  /** `openai/gpt-5-mini`. */
  readonly name: string
  readonly upstream: Upstream
  readonly model: string
  /** Stands for its name in signatures that callers carry. */
  readonly signatureTag: string
  readonly weight: number
  /** Every way to it, place by place: `places × credentials` of them. */
  readonly channels: readonly Channel[]
  /** Calls under way. */
  busy: number
  /** Moving average of the time to first output in ms; 0 until the first answer. */
  firstOutputMs: number
}

/** One way to a target: which of its credentials, which of its addresses. */
export interface Channel {
  readonly target: Target
  readonly credential: Credential
  readonly baseUrl: BaseUrl
}

/** One try, as `x-modelmount-attempts` and the usage record tell it. */
export interface AttemptLog {
  readonly target: string
  /** The upstream's status, or what came in place of a usable answer: `timeout`, `unreachable`, `busy`, `cut`, `invalid`. */
  readonly status: number | string
}

/** What a protocol reads of a request before it is routed. */
export interface RequestFacts {
  readonly model: string
  /** Where `model` stands in the body; undefined where the path says it. */
  readonly modelSpan: Span | undefined
  readonly stream: boolean
  /** The stream is wanted in the language's other framing, not as server-sent events. */
  readonly usesOwnFraming?: boolean | undefined
  /** The caller's own cap on each answer; undefined where there is none, or none that makes sense. */
  readonly maxOutputTokens: number | undefined
  /** About how much the model reads that is not in the body: what was said before in a session. */
  readonly contextTokens?: number | undefined
  /** How many answers are written, and paid for; at least 1. */
  readonly choices: number
  readonly temperature: number | undefined
  /** Tools are offered: the caller's, or the provider's own. */
  readonly usesTools: boolean
  /** What is to stand in the body for a stream to tell of usage; undefined where it does so anyway. */
  readonly usageRequestEdit?: Edit | undefined
}

/** How a call ended. */
export type Outcome = 'complete' | 'failed' | 'cut' | 'left'

/** One call on its way through the relay. */
export interface Call {
  readonly id: string
  /** On the clock of `now()`, in ms. */
  readonly startedAt: number
  readonly operation: Operation
  /** Its path in the table of endpoints. */
  readonly endpoint: string
  readonly protocol: Protocol
  readonly caller: Caller
  readonly path: PathFacts
  readonly facts: RequestFacts
  readonly body: Buffer
  /** A form that is passed on in the pieces that it came in. `body` is empty then. */
  readonly form: ByteChunks | undefined
  /** The body in no language's words, once somebody has wanted it so. */
  conversation: ChatRequest | undefined
  /** Caller's headers that its protocol lets through, as name, value, name, value. */
  readonly forwardedHeaders: readonly string[]
  /** Tells when nobody wants the answer any more. Replaced where several come to share it. */
  client: ClientConnection
  /** Same value, same upstream, under the strategy `sticky`. */
  readonly affinity: string
  readonly attempts: AttemptLog[]
  /** From `x-modelmount-tags`, for its usage record. */
  readonly tags: readonly string[]
  /** The caller's headers of these names. */
  readonly cacheControl: string | undefined
  readonly idempotencyKey: string | undefined
  /** Headers that its answer will have, whatever it is. */
  readonly responseHeaders: Record<string, string>
  /** How its answer stands to those that are kept; undefined where none would be. */
  cacheState: 'hit' | 'miss' | 'shared' | undefined
  /** What it has been granted, once it is admitted. */
  lease: Lease | undefined
  /** What it has come to, once it has ended. */
  charge: CallCharge | undefined
  /** Makes its way through a channel. */
  readonly open: CreateTranscoder
  /** Ends it. Only the first time counts. */
  readonly settle: (end: CallEnd) => void
  /** Called when it has ended. */
  onEnd: ((end: CallEnd) => void) | undefined
  /** Somebody counts on usage: streams are asked for it, though the caller did not ask. */
  needsUsage: boolean
}

/** What is known when a call is over. */
export interface CallEnd {
  readonly outcome: Outcome
  readonly status: number
  readonly target?: Target | undefined
  /** `provider/model` whose answer was given again, where there was no target. */
  readonly servedBy?: string | undefined
  /** As the upstream told it. Of an answer that broke off it may be no more than what the beginning told: see `delivered`. */
  readonly usage?: Usage | undefined
  /**
   * About how many tokens were written, where the upstream did not come to say so: it then stands for `usage.output`,
   * which is 0 or a beginning. Undefined where `usage` tells all. Estimated when it is read: not all want to know.
   */
  readonly deliveredTokens?: number | undefined
  /** The answer was a refusal, or a filter cut it short: true of one choice is true of all. */
  readonly refused?: boolean | undefined
  /** What a translation had to leave out. */
  readonly losses?: readonly Loss[] | undefined
  readonly firstOutputMs?: number | undefined
  readonly error?: RelayError | undefined
}
