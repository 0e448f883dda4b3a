import type { MediaBlock } from './blocks.js'

/** What a language can say: translation brings a conversation's tools into this shape, and restores them in the answer. */
export interface Traits {
  readonly toolName: NameRule
  readonly toolId: NameRule
  /** It has tools that take plain text. */
  readonly freeformTools: boolean
  /** Tools may stand in groups. */
  readonly toolNamespaces: boolean
  /** A tool call's input must be a JSON object. */
  readonly objectInput: boolean
  /** So many stop sequences are taken, any number when left out: at the others the relay itself ends the answer. */
  readonly stopSequences?: number
  /** What may be given by any address on the web, not only as bytes. All of it when left out. */
  readonly mediaByUrl?: readonly MediaBlock['kind'][]
}

export interface NameRule {
  /** Fits a name that can stay as it is, its length aside. */
  readonly pattern: RegExp
  readonly longest: number
  /** Exactly as long as the longest. */
  readonly exact?: boolean
}
