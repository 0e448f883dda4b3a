import type { MediaBlock } from '../chat/blocks.js'
import type { SupportedSettings } from '../chat/supported-settings.js'
import type { NameRule } from '../chat/traits.js'

/** What a model accepts of its protocol, as its provider declares it. A member left out means: what the protocol allows. */
export interface Dialect extends SupportedSettings {
  /** Sampling settings (temperature and the like). `one`: temperature or top_p, but not both. */
  readonly sampling?: 'any' | 'one' | 'none'
  /** How a request asks for reasoning. `adaptive`: by effort, and the model chooses its budget. */
  readonly reasoning?: 'effort' | 'adaptive' | 'budget' | 'none'
  /** Accepted reasoning efforts. */
  readonly reasoningEfforts?: readonly string[]
  /** The output cap to send, in tokens, where the client gives none and the protocol requires one. */
  readonly maxOutputTokens?: number
  /** A server that knows only the original fields of the protocol, plain text content, and tool choices as strings. */
  readonly isOldServer?: boolean
  /** False: refuses a request for usage in a stream. */
  readonly acceptsUsageRequest?: boolean
  /** `full` JSON schemas for tools, or the `subset` of OpenAPI. */
  readonly toolSchemas?: 'full' | 'subset'
  /** Expects the reasoning of earlier turns back as plain text. `details`: in OpenRouter's field `reasoning_details`. */
  readonly echoesReasoning?: boolean | 'details'
  /** Replaces reasoning that the client has dropped: in every turn, or in turns with tool calls only (there a space by default). */
  readonly missingReasoning?: { readonly text: string; readonly everywhere?: boolean }
  /** Refuses tool calls in the history without a signature. */
  readonly requiresSignatures?: boolean
  readonly toolId?: NameRule
  /** Number of stop sequences. The relay itself ends the answer at further ones. */
  readonly maxStopSequences?: number
  /** Occurs in every record of a stream that is an error in a form that clients do not know. The relay rewrites such errors. */
  readonly errorMark?: Buffer
  /** Kinds of media that may be given by URL. */
  readonly mediaByUrl?: readonly MediaBlock['kind'][]
  /** Number of inputs in one request for embeddings. */
  readonly maxEmbeddingInputs?: number
  /** Answers only in streams. The relay collects a whole answer from one. */
  readonly streamsOnly?: boolean
  /** Chat Completions: fields that have another name here. */
  readonly fieldNames?: Readonly<Record<string, string>>
  /** Chat Completions: other vendors' fields of messages, for which this upstream refuses a request. */
  readonly refusedFields?: readonly string[]
  /** Chat Completions: text of an assistant message to insert between tool results and a user message. */
  readonly replyAfterResults?: string
  /** Chat Completions: fields to add to every translated request. */
  readonly addedFields?: Readonly<Record<string, unknown>>
  /** Chat Completions: the field that asks for reasoning. */
  readonly reasoningField?: ReasoningField
}

/** `reasoning_effort`, OpenRouter's `reasoning`, the switch `thinking`, or Qwen's switch with a budget. */
export type ReasoningField = 'reasoning_effort' | 'reasoning' | 'thinking' | 'enable_thinking'
