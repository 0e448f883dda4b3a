import type { Block, CacheMark, Native } from './blocks.js'
import type { Effort } from './effort.js'

/** A conversation and its settings, independent of any protocol. Settings that the caller left out are undefined. */
export interface ChatRequest {
  readonly stream: boolean
  /** In order, including system messages. */
  readonly turns: readonly Turn[]
  readonly tools: readonly Tool[]
  readonly toolChoice?: ToolChoice | undefined
  readonly parallelToolCalls?: boolean | undefined
  /** In tokens, including reasoning. */
  readonly maxOutputTokens?: number | undefined
  readonly temperature?: number | undefined
  readonly topP?: number | undefined
  readonly topK?: number | undefined
  readonly frequencyPenalty?: number | undefined
  readonly presencePenalty?: number | undefined
  readonly seed?: number | undefined
  readonly stop: readonly string[]
  /** Number of answers. Default: 1. */
  readonly choices?: number | undefined
  /** Number of alternatives to report for each token; 0 for the chosen token only. */
  readonly logprobs?: number | undefined
  readonly format?: Format | undefined
  readonly verbosity?: string | undefined
  readonly reasoning?: Reasoning | undefined
  /** Kinds of output. Default: text. */
  readonly modalities?: readonly ('text' | 'image' | 'audio')[] | undefined
  /** The caller's id of the end user. */
  readonly userId?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly serviceTier?: string | undefined
  /** Routes similar requests to the same prompt cache. */
  readonly cacheKey?: string | undefined
  /** Asks the provider to keep the whole request in its prompt cache. */
  readonly cache?: CacheMark | undefined
  /** The client asks for usage in its stream, where the protocol leaves it the choice. */
  readonly wantsUsage?: boolean | undefined
  readonly native?: Native | undefined
}

/** One message. Tool results belong to turns of the user. */
export interface Turn {
  readonly role: 'system' | 'user' | 'assistant'
  readonly blocks: readonly Block[]
  /** Path in the caller's request: `messages[3]`. */
  readonly at?: string | undefined
  readonly name?: string | undefined
  readonly native?: Native | undefined
}

export type Tool = FunctionTool | FreeformTool | WebSearchTool | ForeignTool

interface NamedTool {
  readonly name: string
  readonly namespace?: string | undefined
  readonly description?: string | undefined
  /** Path in the caller's request: `tools[0]`. */
  readonly at: string
  readonly cache?: CacheMark | undefined
  readonly native?: Native | undefined
}

export interface FunctionTool extends NamedTool {
  readonly type: 'function'
  /** JSON schema of the input; undefined without one. */
  readonly schema?: JsonSchema | undefined
  readonly strict?: boolean | undefined
}

/** A tool whose input is plain text, such as OpenAI's custom tools. A grammar may restrict it. */
export interface FreeformTool extends NamedTool {
  readonly type: 'freeform'
  /** `{ type: 'grammar', syntax, definition }` or `{ type: 'text' }` */
  readonly format?: Readonly<Record<string, unknown>> | undefined
}

/** The provider's own web search. */
export interface WebSearchTool {
  readonly type: 'web-search'
  readonly at: string
  readonly native?: Native | undefined
}

/** A tool that runs at the provider and exists in one protocol only. */
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
  /** In tokens; -1 leaves it to the model. */
  readonly budget?: number | undefined
  /** Whether the client wants to read the reasoning; undefined for the protocol's default. */
  readonly visible?: boolean | undefined
  /** The kind of summary, where the protocol leaves the choice. */
  readonly summary?: string | undefined
}

/** The settings of a request: everything besides the conversation itself. */
export type Setting = Exclude<
  keyof ChatRequest,
  'stream' | 'turns' | 'tools' | 'cache' | 'cacheKey' | 'wantsUsage' | 'native'
>

/** A protocol's own names for the settings that it has: `{ topP: 'generationConfig.topP' }`. */
export type SettingNames = Readonly<Partial<Record<Setting, string>>>
