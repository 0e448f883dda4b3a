import type { MediaBlock } from '../chat/blocks.js'
import type { SupportedSettings } from '../chat/supported-settings.js'
import type { NameRule } from '../chat/traits.js'

/**
 * What a model accepts of its protocol, as its provider declares it. A member left out means: what the protocol allows.
 * The members of `SupportedSettings` name settings that are dropped or adapted before a request is written.
 */
export interface Dialect extends SupportedSettings {
  // Settings

  /** Which of temperature and top_p are accepted: `one` of them, but not both together. */
  readonly sampling?: 'any' | 'one' | 'none'
  /** How a request asks for reasoning. `adaptive`: by effort, and the model chooses its budget. */
  readonly reasoning?: 'effort' | 'adaptive' | 'budget' | 'none'
  /** Accepted reasoning efforts. Any other effort becomes the nearest of them. */
  readonly reasoningEfforts?: readonly string[]
  /** Chat Completions: the field that asks for reasoning. Default: `reasoning_effort`. */
  readonly reasoningField?: ReasoningField
  /** Tokens: the output cap to send where the client gives none and the protocol requires one. */
  readonly defaultMaxOutputTokens?: number
  /** Stop sequences in one request. The relay itself ends the answer at further ones. */
  readonly maxStopSequences?: number

  // Messages and tools

  /** Gemini: whether tools may have `full` JSON schemas, or only the `subset` that OpenAPI has. */
  readonly toolSchemas?: 'full' | 'subset'
  /** The form of ids of tool calls. Other ids are replaced, in calls and in their results alike. */
  readonly toolCallId?: NameRule
  /** Kinds of media that may be given by URL. Others are sent as bytes. */
  readonly mediaByUrl?: readonly MediaBlock['kind'][]
  /** Refuses a history with tool calls that have no signature. */
  readonly requiresSignatures?: boolean
  /** Expects the reasoning of earlier turns back as plain text. `details`: in OpenRouter's field `reasoning_details`. */
  readonly expectsPastReasoning?: boolean | 'details'
  /** The text that replaces past reasoning the client did not send back. `everywhere`: also in turns without tool calls. */
  readonly pastReasoningPlaceholder?: { readonly text: string; readonly everywhere?: boolean }
  /** Chat Completions: refuses a user message right after tool results. The text of an assistant message to insert there. */
  readonly replyAfterToolResults?: string

  // The fields of a Chat Completions request

  /** Knows only the original fields, plain text content, and tool choices as strings. */
  readonly basicFieldsOnly?: boolean
  /** Fields that have another name here: from OpenAI's name to the upstream's. */
  readonly renamedFields?: Readonly<Record<string, string>>
  /** Fields of messages, by other vendors, for which this upstream refuses a request. They are removed. */
  readonly refusedMessageFields?: readonly string[]
  /** Fields to add to every translated request. */
  readonly extraFields?: Readonly<Record<string, unknown>>
  /** False: refuses `stream_options.include_usage`. */
  readonly acceptsUsageRequest?: boolean

  // Answers

  /** Answers only in streams. The relay collects a whole answer from one. */
  readonly streamsOnly?: boolean
  /** Bytes in every record of a stream that is an error in a form that clients do not know. The relay rewrites such errors. */
  readonly errorMarker?: Buffer

  // Other operations

  /** Inputs in one request for embeddings. */
  readonly maxEmbeddingInputs?: number
}

/** `reasoning_effort`, OpenRouter's `reasoning`, the switch `thinking`, or Qwen's switch with a budget. */
export type ReasoningField = 'reasoning_effort' | 'reasoning' | 'thinking' | 'enable_thinking'
