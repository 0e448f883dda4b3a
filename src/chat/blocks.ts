import type { Signature } from './signatures.js'

/** One piece of a turn: of a request, of an answer, of a stream. */
export type Block =
  | TextBlock
  | RefusalBlock
  | ReasoningBlock
  | ToolCallBlock
  | ToolResultBlock
  | MediaBlock
  | ForeignBlock

interface Common {
  /** Where it stood in the caller's request (`messages[3].content[0]`), for errors and losses. */
  readonly at?: string | undefined
  /** Everything up to here should be kept in the provider's prompt cache. */
  readonly cache?: CacheMark | undefined
  readonly native?: Native | undefined
}

export interface TextBlock extends Common {
  readonly type: 'text'
  readonly text: string
  readonly citations?: readonly Citation[] | undefined
  readonly signature?: Signature | undefined
}

/** The model's own words for why it will not answer. */
export interface RefusalBlock extends Common {
  readonly type: 'refusal'
  readonly text: string
}

/** What the model thought, or a summary of it. One with no text and a signature was hidden by its provider. */
export interface ReasoningBlock extends Common {
  readonly type: 'reasoning'
  readonly text: string
  readonly signature?: Signature | undefined
}

export interface ToolCallBlock extends Common {
  readonly type: 'tool-call'
  readonly id: string
  readonly name: string
  /** The group of tools that the name stands in, where the language has groups. */
  readonly namespace?: string | undefined
  /** JSON text, as the model wrote it: never parsed on the way. Of a freeform tool, the text itself. */
  readonly input: string
  readonly freeform?: boolean | undefined
  readonly signature?: Signature | undefined
}

export interface ToolResultBlock extends Common {
  readonly type: 'tool-result'
  readonly callId: string
  /** The tool's name, where the language gives it with the result. */
  readonly name?: string | undefined
  readonly blocks: readonly Block[]
  readonly failed?: boolean | undefined
}

export interface MediaBlock extends Common {
  readonly type: 'media'
  readonly kind: 'image' | 'audio' | 'video' | 'file'
  /** As it was given; undefined if it was not. */
  readonly mime?: string | undefined
  readonly source: MediaSource
  /** A file's name. */
  readonly name?: string | undefined
  /** How closely to look at an image. */
  readonly detail?: 'low' | 'high' | 'auto' | 'original' | undefined
}

export type MediaSource =
  /** Base64. */
  | { readonly type: 'bytes'; readonly data: string }
  | { readonly type: 'url'; readonly url: string }
  /** Plain text, as a document of its own. */
  | { readonly type: 'text'; readonly text: string }
  /** A file that the provider keeps: it means something to that provider only. */
  | { readonly type: 'id'; readonly id: string; readonly protocol: string }

/** One language's own: goes back there as it came, is a loss elsewhere. */
export interface ForeignBlock extends Common {
  readonly type: 'foreign'
  readonly protocol: string
  /** What its language calls it, for the loss. */
  readonly kind: string
  readonly value: unknown
}

/** Fields without a neutral word: written back only by the language that read them. */
export interface Native {
  readonly protocol: string
  readonly fields: Readonly<Record<string, unknown>>
}

export interface CacheMark {
  /** As `5m` or `1h`; undefined for the provider's own. */
  readonly ttl?: string | undefined
}

/** A source that a text points to. Places are UTF-16 units in the text of its block. */
export interface Citation {
  readonly url?: string | undefined
  readonly title?: string | undefined
  readonly start?: number | undefined
  readonly end?: number | undefined
  /** The words of the source. */
  readonly quote?: string | undefined
  readonly native?: Native | undefined
}
