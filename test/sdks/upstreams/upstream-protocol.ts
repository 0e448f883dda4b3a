import type { RelayOptions } from '../../../src/index.js'

/** Parsed JSON of any shape. */
export type Json = ReturnType<typeof JSON.parse>

/** The content of an upstream's answer, independent of its protocol. Reasoning gets the signature of the protocol. */
export interface AnswerContent {
  readonly reasoning?: string
  /** A stream sends one record per element. */
  readonly text?: readonly string[]
  readonly calls?: readonly Call[]
}

export interface Call {
  readonly id: string
  readonly name: string
  readonly input: Record<string, unknown>
}

/** A request, read by the strict rules of the upstream, without the relay's code. */
export interface ReceivedRequest {
  readonly texts: readonly string[]
  /** The tool calls of the history, each with its result. */
  readonly exchanges: readonly ToolExchange[]
  readonly images: readonly { readonly mime: string; readonly data: string }[]
  readonly tools: readonly string[]
  /** The JSON schema that the answer must follow. */
  readonly schema: Json
  /** Whether the request asks the model to reason. */
  readonly wantsReasoning: boolean
  /** The signatures of reasoning in the history. */
  readonly signatures: readonly string[]
  /** The reasoning in the history. */
  readonly thoughts: readonly string[]
}

export interface ToolExchange {
  readonly name: string
  readonly input: unknown
  readonly result: string
}

/** A protocol as an upstream implements it. */
export interface UpstreamProtocol {
  readonly id: 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'gemini'
  /** The model name of the target. The relay derives its capabilities from it. */
  readonly model: string
  /** The signature of its reasoning; empty if the protocol has none. */
  readonly signature: string
  provider(port: number): RelayOptions['providers'][string]
  isStreamed(url: string, body: Json): boolean
  whole(words: AnswerContent): object
  /** The records of a stream. */
  records(words: AnswerContent, body: Json): string[]
  errorBody(status: number, message: string): object
  /** An error record within a stream. */
  errorRecord(message: string): string
  /** @throws if a real upstream would refuse the request */
  readRequest(body: Json): ReceivedRequest
  /** The endpoint that counts tokens, and its answer. Left out if the protocol has none. */
  readonly counting?: { readonly path: RegExp; readonly answer: (tokens: number) => object }
}

/** The usage of every answer: 20 input tokens, 5 of them cached, and 12 output tokens, 4 of them reasoning. */
export const USAGE = { input: 20, cached: 5, output: 12, reasoning: 4 } as const

/** Splits a text into pieces of the same length. */
export function splitText(text: string, pieces = 3): string[] {
  const size = Math.ceil(text.length / pieces) || 1
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  )
}

/** @throws an error with the upstream's message, unless the condition holds */
export function assertValid(so: boolean, message: string): asserts so {
  if (!so) throw new Error(message)
}

export function sse(value: object, event?: string): string {
  return `${event ? `event: ${event}\n` : ''}data: ${JSON.stringify(value)}\n\n`
}
