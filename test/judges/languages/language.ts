import type { RelayOptions } from '../../../src/index.js'

/** Parsed JSON, looked at as it comes. */
export type Json = ReturnType<typeof JSON.parse>

/** What an upstream is to say, in no language's words. Reasoning is signed in the way of its language. */
export interface Words {
  readonly reasoning?: string
  /** As many pieces of a stream. */
  readonly text?: readonly string[]
  readonly calls?: readonly Call[]
}

export interface Call {
  readonly id: string
  readonly name: string
  readonly input: Record<string, unknown>
}

/** What an upstream was asked, read by its own strict rules and not by the relay's code. */
export interface Heard {
  readonly texts: readonly string[]
  /** Calls of the history, each with its result. */
  readonly exchanges: readonly Exchange[]
  readonly images: readonly { readonly mime: string; readonly data: string }[]
  readonly tools: readonly string[]
  /** The JSON schema that the answer must follow. */
  readonly schema: Json
  /** The model is told to reason. */
  readonly reasons: boolean
  /** Proofs of reasoning that came back, where they belong. */
  readonly signatures: readonly string[]
  /** The reasoning that came back with them. */
  readonly thoughts: readonly string[]
}

export interface Exchange {
  readonly name: string
  readonly input: unknown
  readonly result: string
}

/** A wire language as its upstream speaks it. */
export interface Language {
  readonly id: 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'gemini'
  /** What the target is called; what it can do goes by this name. */
  readonly model: string
  /** The proof that stands with its reasoning; empty if the language has none. */
  readonly signature: string
  provider(port: number): RelayOptions['providers'][string]
  isStreamed(url: string, body: Json): boolean
  whole(words: Words): object
  /** Records of a stream, each whole. */
  records(words: Words, body: Json): string[]
  errorBody(status: number, message: string): object
  /** An error in the midst of a stream. */
  errorRecord(message: string): string
  /** @throws for what a real one would refuse */
  hear(body: Json): Heard
  /** Where it is asked for a count, and how it tells one; left out where it cannot be asked. */
  readonly counting?: { readonly path: RegExp; readonly answer: (tokens: number) => object }
}

/** Of every answer: 20 in, of which 5 from the cache; 12 out, of which 4 reasoning. */
export const USAGE = { input: 20, cached: 5, output: 12, reasoning: 4 } as const

/** A text in so many pieces. */
export function cut(text: string, pieces = 3): string[] {
  const size = Math.ceil(text.length / pieces) || 1
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  )
}

/** @throws what the upstream would say against it */
export function demand(so: boolean, message: string): asserts so {
  if (!so) throw new Error(message)
}

export function sse(value: object, event?: string): string {
  return `${event ? `event: ${event}\n` : ''}data: ${JSON.stringify(value)}\n\n`
}
