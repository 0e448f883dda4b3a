import type { MediaBlock } from '../chat/blocks.js'
import type { SupportedSettings } from '../chat/supported-settings.js'
import type { NameRule } from '../chat/traits.js'

/** What a place takes of a language, model by model: given by its provider. Left out: all of it. */
export interface Dialect extends SupportedSettings {
  /** Whether the sampling fields (temperature and the like) are taken. `one`: temperature or top_p, but not both. */
  readonly sampling?: 'any' | 'one' | 'none'
  /** How reasoning is asked for. `adaptive`: by effort, the model finds its own budget. */
  readonly reasoning?: 'effort' | 'adaptive' | 'budget' | 'none'
  /** Steps of effort that are taken. */
  readonly reasoningEfforts?: readonly string[]
  /** The output cap when the caller gave none and the language must have one. In tokens. */
  readonly maxOutputTokens?: number
  /** A server of the older, stricter kind: it knows the first names of fields, plain texts and plain choices of tools. */
  readonly isOldServer?: boolean
  /** False: it does not take it that a stream is asked for usage. */
  readonly acceptsUsageRequest?: boolean
  /** A JSON schema in full, or the subset of the OpenAPI kind. */
  readonly toolSchemas?: 'full' | 'subset'
  /** Reasoning goes back with the history as plain text; `details`: in Chat Completions, in OpenRouter's form. */
  readonly echoesReasoning?: boolean | 'details'
  /** What stands for reasoning that the client has lost: in every turn, else in those with calls. There a space if left out. */
  readonly missingReasoning?: { readonly text: string; readonly everywhere?: boolean }
  /** Tool calls in the history must bear a signature. */
  readonly requiresSignatures?: boolean
  readonly toolId?: NameRule
  /** So many stop sequences are taken: at the others the relay itself ends the answer. As the language has it if left out. */
  readonly maxStopSequences?: number
  /** Stands in each record of a stream that tells of a failure in a way that clients do not know for one: it is told anew. */
  readonly errorMark?: Buffer
  /** Media that may be named by their address. As the language has it if left out. */
  readonly mediaByUrl?: readonly MediaBlock['kind'][]
  /** So many inputs of embeddings are taken at once. As the language has it if left out. */
  readonly maxEmbeddingInputs?: number
  /** It answers in streams only: a whole answer is put together from one. */
  readonly streamsOnly?: boolean
  /** Of Chat Completions: fields that go by another name here. */
  readonly fieldNames?: Readonly<Record<string, string>>
  /** Of Chat Completions: fields of messages that other vendors have, and for which this one refuses the request. */
  readonly refusedFields?: readonly string[]
  /** Of Chat Completions: what the model is made to have said where the user goes on after results of tools. */
  readonly afterResults?: string
  /** Of Chat Completions: fields of its own that every translated request has. */
  readonly ownFields?: Readonly<Record<string, unknown>>
  /** Of Chat Completions: the field in which reasoning is asked for. */
  readonly reasoningField?: ReasoningField
}

/** `reasoning_effort`, OpenRouter's `reasoning`, the switch `thinking`, Qwen's switch with a budget. */
export type ReasoningField = 'reasoning_effort' | 'reasoning' | 'thinking' | 'enable_thinking'
