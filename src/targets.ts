import type { Dialect } from './protocols/dialect.js'
import type { Protocol } from './protocols/protocol.js'
import type { Provider } from './providers/provider.js'
import type { RequestFormat } from './providers/request-format.js'

/** One API key of an upstream. */
export interface Credential {
  /** `openai#0`: the name in logs, health and `explain`. Never the secret. */
  readonly name: string
  /** Headers of every request that uses this credential: name, value, name, value. */
  readonly headers: readonly string[]
}

/** One base URL of an upstream. */
export interface BaseUrl {
  /** `https://api.openai.com`: a connection pool serves one origin. */
  readonly origin: string
  /** `/v1`: the path of the base URL, without a trailing slash. */
  readonly pathPrefix: string
  /** By protocol id: the prefix of that protocol's own paths. */
  readonly protocolPrefixes: ReadonlyMap<string, string>
  /** Ids of the protocols whose own paths drop their version here. */
  readonly unversioned: ReadonlySet<string>
  /** Base URLs with the same key share a connection pool. */
  readonly poolKey: string
}

/** A configured provider: its addresses, credentials, timeouts and the protocols that it speaks. */
export interface Upstream {
  /** Its key under `providers` in the config. */
  readonly id: string
  readonly provider: Provider
  /** Protocols for requests that name no model, such as a list of models. */
  readonly speaks: readonly Protocol[]
  readonly profileFor: (model: string) => ModelProfile
  readonly credentials: readonly Credential[]
  /** The first is the primary, the others are backups. */
  readonly baseUrls: readonly BaseUrl[]
  readonly timeouts: Timeouts
  readonly pace?: Pace | undefined
  /** Interval for reading the provider's list of models, in ms. Undefined: the relay never reads it. */
  readonly refreshModelsMs?: number | undefined
  /** Counts how often a credential was picked, so that the pool takes turns. */
  picks: number
}

/** Timeouts of one attempt, in ms. */
export interface Timeouts {
  readonly connectMs: number
  readonly headersMs: number
  readonly firstOutputMs: number
  readonly idleMs: number
}

/** Pacing of requests with one credential: see `providers.*.pace` in the config. */
export interface Pace {
  readonly concurrency?: number | undefined
  readonly minTimeMs: number
  readonly queue: number
  readonly queueMs: number
}

/** Which protocols a model speaks, and what it accepts. */
export interface ModelProfile {
  /** The relay translates requests in any other protocol into the first. */
  readonly speaks: readonly Protocol[]
  /** Whether the upstream counts tokens, in those of its protocols that can ask for it. */
  readonly countsTokens: boolean
  /** What the model accepts of its protocol. */
  readonly dialect: Dialect
  /** Undefined: requests have the protocol's own path, headers and body. */
  readonly requestFormat: RequestFormat | undefined
}

/** A model at an upstream, with its load and latency. */
export interface Target extends ModelProfile {
  /** `openai/gpt-5-mini`. */
  readonly name: string
  readonly upstream: Upstream
  readonly model: string
  /** Stands for the target's name in signatures that clients carry. */
  readonly signatureTag: string
  readonly weight: number
  /** All channels, grouped by base URL: `baseUrls × credentials`. */
  readonly channels: readonly Channel[]
  /** Number of attempts in progress. */
  busy: number
  /** Moving average of the time to first output, in ms. 0 before the first answer. */
  firstOutputMs: number
}

/** One way to reach a target: a base URL and a credential. Failover tries channels. */
export interface Channel {
  readonly target: Target
  readonly credential: Credential
  readonly baseUrl: BaseUrl
}
