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
  /** Path in the caller's request (`messages[3].content[0]`), for errors and losses. */
  readonly at?: string | undefined
  /** Asks the provider to keep everything up to here in its prompt cache. */
  readonly cache?: CacheMark | undefined
  readonly native?: Native | undefined
}

export interface TextBlock extends Common {
  readonly type: 'text'
  readonly text: string
  readonly citations?: readonly Citation[] | undefined
  readonly signature?: Signature | undefined
}

/** The model's explanation of why it refuses to answer. */
export interface RefusalBlock extends Common {
  readonly type: 'refusal'
  readonly text: string
}

/** The model's reasoning, or a summary of it. Empty text with a signature: the provider hides the reasoning. */
export interface ReasoningBlock extends Common {
  readonly type: 'reasoning'
  readonly text: string
  readonly signature?: Signature | undefined
}

export interface ToolCallBlock extends Common {
  readonly type: 'tool-call'
  readonly id: string
  readonly name: string
  /** The tool's namespace, where the protocol has namespaces. */
  readonly namespace?: string | undefined
  /** JSON text as the model wrote it, never parsed on the way. For a plain-text tool, the text itself. */
  readonly input: string
  readonly freeform?: boolean | undefined
  readonly signature?: Signature | undefined
}

export interface ToolResultBlock extends Common {
  readonly type: 'tool-result'
  readonly callId: string
  /** The tool's name, where the protocol repeats it with the result. */
  readonly name?: string | undefined
  readonly blocks: readonly Block[]
  readonly failed?: boolean | undefined
}

export interface MediaBlock extends Common {
  readonly type: 'media'
  readonly kind: 'image' | 'audio' | 'video' | 'file'
  /** MIME type as the caller gave it. */
  readonly mime?: string | undefined
  readonly source: MediaSource
  /** File name. */
  readonly name?: string | undefined
  /** Resolution at which the model looks at an image. */
  readonly detail?: 'low' | 'high' | 'auto' | 'original' | undefined
}

export type MediaSource =
  /** Base64. */
  | { readonly type: 'bytes'; readonly data: string }
  | { readonly type: 'url'; readonly url: string }
  /** Plain text as a document. */
  | { readonly type: 'text'; readonly text: string }
  /** A file stored at a provider; other providers cannot read it. */
  | { readonly type: 'id'; readonly id: string; readonly protocol: string }

/** Content of one protocol only: passed on unchanged there, a loss elsewhere. */
export interface ForeignBlock extends Common {
  readonly type: 'foreign'
  readonly protocol: string
  /** The protocol's name for it, for the loss. */
  readonly kind: string
  readonly value: unknown
}

/** Fields that exist in one protocol only. Only that protocol writes them. */
export interface Native {
  readonly protocol: string
  readonly fields: Readonly<Record<string, unknown>>
}

export interface CacheMark {
  /** `5m` or `1h`; undefined for the provider's default. */
  readonly ttl?: string | undefined
}

/** A source that a text cites. Positions are UTF-16 code units in the text of the block. */
export interface Citation {
  readonly url?: string | undefined
  readonly title?: string | undefined
  readonly start?: number | undefined
  readonly end?: number | undefined
  /** The cited text of the source. */
  readonly quote?: string | undefined
  readonly native?: Native | undefined
}
