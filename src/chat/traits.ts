import type { MediaBlock } from './blocks.js'

/** What a protocol can express. Translation fits a conversation's tools to it, and restores them in the answer. */
export interface Traits {
  readonly toolName: NameRule
  readonly toolId: NameRule
  /** It has tools with plain-text input. */
  readonly freeformTools: boolean
  /** Tools may be grouped in namespaces. */
  readonly toolNamespaces: boolean
  /** A tool call's input must be a JSON object. */
  readonly objectInput: boolean
  /** Number of stop sequences; the relay itself ends the answer at further ones. Default: no limit. */
  readonly stopSequences?: number
  /** Kinds of media that may be given by URL, not only as bytes. Default: all. */
  readonly mediaByUrl?: readonly MediaBlock['kind'][]
}

export interface NameRule {
  /** Matches names that can stay unchanged, apart from their length. */
  readonly pattern: RegExp
  readonly maxLength: number
  /** The length must be exactly `maxLength`. */
  readonly exact?: boolean
}
