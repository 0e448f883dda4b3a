import type { Block, CacheMark, Native } from './blocks.js'
import type { Effort } from './effort.js'

/** A conversation and what is asked of the model, in no language's words. A field that was not given is undefined. */
export interface ChatRequest {
  readonly stream: boolean
  /** In the order in which they were said, system text included. */
  readonly turns: readonly Turn[]
  readonly tools: readonly Tool[]
  readonly toolChoice?: ToolChoice | undefined
  readonly parallelToolCalls?: boolean | undefined
  /** Reasoning included. */
  readonly maxOutputTokens?: number | undefined
  readonly temperature?: number | undefined
  readonly topP?: number | undefined
  readonly topK?: number | undefined
  readonly frequencyPenalty?: number | undefined
  readonly presencePenalty?: number | undefined
  readonly seed?: number | undefined
  readonly stop: readonly string[]
  /** Answers to the same question; one when left out. */
  readonly choices?: number | undefined
  /** How many of the likeliest tokens are told at each place; 0 for the chosen one only. */
  readonly logprobs?: number | undefined
  readonly format?: Format | undefined
  readonly verbosity?: string | undefined
  readonly reasoning?: Reasoning | undefined
  /** Kinds of output; only text when left out. */
  readonly modalities?: readonly ('text' | 'image' | 'audio')[] | undefined
  /** The end user, as the caller knows them. */
  readonly userId?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly serviceTier?: string | undefined
  /** Steers like requests to the same prompt cache. */
  readonly cacheKey?: string | undefined
  /** The whole request should be kept in the prompt cache. */
  readonly cache?: CacheMark | undefined
  /** The client wants usage in its stream, where its language lets it choose. */
  readonly wantsUsage?: boolean | undefined
  readonly native?: Native | undefined
}

/** What one side said. The results of tools stand in turns of the user. */
export interface Turn {
  readonly role: 'system' | 'user' | 'assistant'
  readonly blocks: readonly Block[]
  /** `messages[3]` */
  readonly at?: string | undefined
  readonly name?: string | undefined
  readonly native?: Native | undefined
}

export type Tool = FunctionTool | FreeformTool | WebSearchTool | ForeignTool

interface NamedTool {
  readonly name: string
  readonly namespace?: string | undefined
  readonly description?: string | undefined
  /** `tools[0]` */
  readonly at: string
  readonly cache?: CacheMark | undefined
  readonly native?: Native | undefined
}

export interface FunctionTool extends NamedTool {
  readonly type: 'function'
  /** The JSON schema of its input; undefined for none. */
  readonly schema?: JsonSchema | undefined
  readonly strict?: boolean | undefined
}

/** A tool whose input is plain text, perhaps by a grammar. */
export interface FreeformTool extends NamedTool {
  readonly type: 'freeform'
  /** `{ type: 'grammar', syntax, definition }` or `{ type: 'text' }` */
  readonly format?: Readonly<Record<string, unknown>> | undefined
}

/** The provider's own search of the web. */
export interface WebSearchTool {
  readonly type: 'web-search'
  readonly at: string
  readonly native?: Native | undefined
}

/** A tool that runs at the provider, by the name its language has for it. */
export interface ForeignTool {
  readonly type: 'foreign'
  readonly protocol: string
  readonly kind: string
  readonly value: unknown
  readonly at: string
}

export type JsonSchema = Readonly<Record<string, unknown>>

export type ToolChoice =
  | { readonly type: 'auto' | 'none' | 'required' }
  | { readonly type: 'tool'; readonly name: string; readonly namespace?: string | undefined }
  | { readonly type: 'allowed'; readonly mode: 'auto' | 'required'; readonly names: readonly string[] }

export type Format =
  | { readonly type: 'text' }
  /** Any JSON object. */
  | { readonly type: 'json' }
  | {
      readonly type: 'schema'
      readonly schema: JsonSchema
      readonly name?: string | undefined
      readonly description?: string | undefined
      readonly strict?: boolean | undefined
    }

export interface Reasoning {
  readonly effort?: Effort | undefined
  /** Tokens; -1 leaves it to the model. */
  readonly budget?: number | undefined
  /** Whether the client wants to read it; undefined for the language's default. */
  readonly visible?: boolean | undefined
  /** How it is to be summed up, where the language lets the client choose. */
  readonly summary?: string | undefined
}
