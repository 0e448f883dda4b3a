import type { RelayOptions } from '../../src/index.js'
import type { PathFacts } from '../../src/protocols/request-facts.js'
import { KEY } from '../mounts.js'

export const languages = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const

export type Language = (typeof languages)[number]

interface Speaking {
  /** Where a caller sends a request for the model `m`. */
  readonly path: (stream: boolean) => string
  readonly headers: Readonly<Record<string, string>>
  /** What its body says when a stream is wanted. */
  readonly asking: Readonly<Record<string, unknown>>
  /** The upstream's model, where a case names no other. */
  readonly model: string
  readonly provider: (port: number) => RelayOptions['providers'][string]
}

const bearer = { authorization: `Bearer ${KEY}` }
const apiKey = 'sk-upstream-0001'

export const speaking: Readonly<Record<Language, Speaking>> = {
  'openai-chat': {
    path: () => '/v1/chat/completions',
    headers: bearer,
    asking: { stream: true, stream_options: { include_usage: true } },
    model: 'chat-model',
    provider: (port) => ({ type: 'openai', apiKey, baseURL: `http://127.0.0.1:${port}/v1`, speaks: ['openai-chat'] }),
  },
  'openai-responses': {
    path: () => '/v1/responses',
    headers: bearer,
    asking: { stream: true },
    model: 'responses-model',
    provider: (port) => ({
      type: 'openai',
      apiKey,
      baseURL: `http://127.0.0.1:${port}/v1`,
      speaks: ['openai-responses'],
    }),
  },
  'anthropic-messages': {
    path: () => '/v1/messages',
    headers: { 'x-api-key': KEY, 'anthropic-version': '2023-06-01' },
    asking: { stream: true },
    model: 'messages-model',
    provider: (port) => ({ type: 'anthropic', apiKey, baseURL: `http://127.0.0.1:${port}` }),
  },
  gemini: {
    path: (stream) => `/v1beta/models/m:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    headers: { 'x-goog-api-key': KEY },
    asking: {},
    model: 'gemini-model',
    provider: (port) => ({ type: 'gemini', apiKey, baseURL: `http://127.0.0.1:${port}` }),
  },
}

/** What the path of a request for `m` says. */
export function pathOf(stream: boolean): PathFacts {
  return { id: 'm', stream, query: stream ? 'alt=sse' : '' }
}
