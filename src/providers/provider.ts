import type { Dialect } from '../protocols/dialect.js'
import type { ProtocolId } from '../protocols/protocol.js'
import type { RequestFormat } from './request-format.js'

/** How the models of a place are spoken to. */
export interface DeclaredProfile {
  readonly speaks: readonly ProtocolId[]
  /** False: no count of tokens can be asked for, though a language that is spoken can ask for one. */
  readonly countsTokens?: boolean
  /** What a model here takes of the language it is spoken to in, where that is not all of it. */
  dialect?(model: string): Dialect
  /** Left out: requests go to the languages' own paths under the base URL, as the languages have them. */
  readonly requestFormat?: RequestFormat
}

/** A place that serves models: almost data. What it does not say is as OpenAI does it. */
export interface Provider extends DeclaredProfile {
  readonly id: string
  /** As the vendor's own SDK has it. Left out: the config must give one. */
  readonly baseURL?: string
  /** What the catalogue of prices calls it, where that is not its id. */
  readonly catalogId?: string
  /** The environment variable that holds the key when the config gives none. Left out: a key is optional. */
  readonly keyVariable?: string
  /** Languages that do not stand under the base URL: the path that they have in place of the base URL's. */
  readonly protocolPaths?: Readonly<Partial<Record<ProtocolId, string>>>
  /** Languages whose version the base URL says: their own paths are without it. */
  readonly unversionedProtocols?: readonly ProtocolId[]
  /** Its config may name a version of its API, as `apiVersion`. */
  readonly hasApiVersions?: boolean
  /** What is otherwise with this model, or at this version of the API; undefined: nothing. */
  profileFor?(model: string, apiVersion: string | undefined): Partial<DeclaredProfile> | undefined
  /** Headers that sign a request, as name, value, name, value. */
  sign(apiKey: string): readonly string[]
  /** Public names, `*` for any run of characters, that mean this provider when the config names no models. */
  readonly models: readonly string[]
  /** One of them that most callers know: for the line to try that is printed where no config names a model. */
  readonly familiarModel?: string
}
