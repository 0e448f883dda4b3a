import type { Language } from '../languages/language.js'
import type { MODELS } from '../upstreams.js'

export const EVERY: readonly Language['id'][] = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini']

/** What a client wants. */
export interface Asked {
  readonly text: string
  /** The tools `weather` and `clock` are offered. */
  readonly tools?: boolean
  /** The model is to reason, and to show it. */
  readonly reason?: boolean
  /** A PNG, in base64. */
  readonly image?: string
  /** The answer is to follow {@link SCHEMA}. */
  readonly shaped?: boolean
}

/** What its SDK told of an answer. */
export interface Said {
  readonly text: string
  readonly reasoning: string
  readonly calls: readonly { readonly name: string; readonly input: unknown }[]
  /** Why it ended, as the SDK has it. */
  readonly finish: string | null | undefined
  readonly usage: Counted
}

/** Tokens; undefined where the SDK has no place for them. */
export interface Counted {
  readonly input: number | undefined
  readonly cached: number | undefined
  readonly output: number | undefined
  readonly reasoning: number | undefined
}

/** A conversation, kept in the SDK's own objects. */
export interface Session {
  ask(asked: Asked): Promise<Said>
  /** Gives the calls of the last answer their results, in order. */
  tell(results: readonly string[]): Promise<Said>
}

/** One SDK, used in one way. */
export interface Judge {
  readonly name: string
  readonly sdk: 'openai' | 'anthropic' | 'genai' | 'ai'
  readonly model: (typeof MODELS)[number]
  readonly streams: boolean
  /** It shows the model's reasoning. */
  readonly shows: boolean
  /** Languages whose proofs of reasoning it has no place for: it is the relay that must remember them. */
  readonly drops: readonly Language['id'][]
  /** How it names the end of an answer, and one by calls of tools. */
  readonly ends: { readonly stop: string; readonly calls: string }
  open(origin: string, key: string): Session
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

/** The input of both tools. */
export const INPUT: Closed = {
  type: 'object',
  properties: { place: { type: 'string' } },
  required: ['place'],
  additionalProperties: false,
}

export const TOOLS = ['weather', 'clock'] as const

export const SCHEMA: Closed = {
  type: 'object',
  properties: { city: { type: 'string' }, people: { type: 'integer' } },
  required: ['city', 'people'],
  additionalProperties: false,
}
