import type { MODELS } from '../sdk-harness.js'
import type { UpstreamProtocol } from '../upstreams/upstream-protocol.js'

export const ALL_PROTOCOLS: readonly UpstreamProtocol['id'][] = [
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
  'gemini',
]

/** A question to the model. */
export interface Question {
  readonly text: string
  /** Offers the tools `weather` and `clock`. */
  readonly tools?: boolean
  /** Asks the model to reason, and to show its reasoning. */
  readonly reason?: boolean
  /** A PNG, in base64. */
  readonly image?: string
  /** Asks for an answer that follows {@link ANSWER_SCHEMA}. */
  readonly hasSchema?: boolean
}

/** An answer as the SDK returns it. */
export interface SdkAnswer {
  readonly text: string
  readonly reasoning: string
  readonly calls: readonly { readonly name: string; readonly input: unknown }[]
  /** The finish reason in the SDK's spelling. */
  readonly finish: string | null | undefined
  readonly usage: SdkUsage
}

/** Tokens; undefined if the SDK does not report them. */
export interface SdkUsage {
  readonly input: number | undefined
  readonly cached: number | undefined
  readonly output: number | undefined
  readonly reasoning: number | undefined
}

/** A conversation whose history consists of the SDK's own objects. */
export interface Session {
  ask(asked: Question): Promise<SdkAnswer>
  /** Sends the results of the last answer's calls, in order. */
  sendResults(results: readonly string[]): Promise<SdkAnswer>
}

/** One way to use one SDK. */
export interface SdkClient {
  readonly name: string
  readonly sdk: 'openai' | 'anthropic' | 'genai' | 'ai'
  readonly model: (typeof MODELS)[number]
  readonly streams: boolean
  /** Whether the SDK returns the model's reasoning. */
  readonly showsReasoning: boolean
  /** The upstream protocols whose signatures the SDK does not keep, so the relay must remember them. */
  readonly dropsSignaturesOf: readonly UpstreamProtocol['id'][]
  /** The SDK's finish reasons for text and for tool calls. */
  readonly finishReasons: { readonly stop: string; readonly calls: string }
  openSession(origin: string, key: string): Session
}

export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** A closed JSON schema. */
interface Closed {
  readonly [keyword: string]: unknown
  readonly type: 'object'
  readonly properties: Record<string, object>
  readonly required: string[]
  readonly additionalProperties: false
}

/** The input schema of both tools. */
export const TOOL_INPUT: Closed = {
  type: 'object',
  properties: { place: { type: 'string' } },
  required: ['place'],
  additionalProperties: false,
}

export const TOOLS = ['weather', 'clock'] as const

export const ANSWER_SCHEMA: Closed = {
  type: 'object',
  properties: { city: { type: 'string' }, people: { type: 'integer' } },
  required: ['city', 'people'],
  additionalProperties: false,
}
