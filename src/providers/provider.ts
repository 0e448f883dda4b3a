import type { Dialect } from '../protocols/dialect.js'
import type { ProtocolId } from '../protocols/protocol.js'
import type { RequestFormat } from './request-format.js'

/** How a provider's models are called. */
export interface DeclaredProfile {
  /** Requests in any other protocol are translated into the first. */
  readonly speaks: readonly ProtocolId[]
  /** False: the provider does not count tokens, although its protocol can ask for it. */
  readonly countsTokens?: boolean
  /** What a model accepts of its protocol. Left out: everything. */
  dialect?(model: string): Dialect
  /** Left out: requests have the protocol's own path, headers and body. */
  readonly requestFormat?: RequestFormat
}

/** A provider, declared as data. What it leaves out is as at OpenAI. */
export interface Provider extends DeclaredProfile {
  readonly id: string
  /** The default of the vendor's own SDK. Left out: the config must give one. */
  readonly baseURL?: string
  /** Its id in the price catalogue. Default: `id`. */
  readonly catalogId?: string
  /** The environment variable for the key. Left out: the provider needs no key. */
  readonly keyVariable?: string
  /** Protocols whose paths are not below the base URL: the path that replaces that of the base URL. */
  readonly protocolPaths?: Readonly<Partial<Record<ProtocolId, string>>>
  /** Protocols whose version is part of the base URL: their own paths drop it. */
  readonly unversionedProtocols?: readonly ProtocolId[]
  /** The config may give `apiVersion`. */
  readonly hasApiVersions?: boolean
  /** What differs for this model, or at this version of the API. */
  profileFor?(model: string, apiVersion: string | undefined): Partial<DeclaredProfile> | undefined
  /** Headers that authenticate a request: name, value, name, value. */
  sign(apiKey: string): readonly string[]
  /** Public model names that lead here without `models` in the config; `*` matches any characters. */
  readonly models: readonly string[]
  /** A well-known model, for the sample command that the command line prints. */
  readonly familiarModel?: string
}

/** `authorization: Bearer …`, as most providers expect it. */
export function bearer(apiKey: string): readonly string[] {
  return ['authorization', `Bearer ${apiKey}`]
}
