import type { RelayOptions } from '../../src/index.js'
import type { PathFacts } from '../../src/protocols/request-facts.js'
import { KEY } from '../test-relay.js'

export const conversationProtocols = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const

export type ConversationProtocol = (typeof conversationProtocols)[number]

interface ProtocolSetup {
  /** The path of a request for the model `m`. */
  readonly path: (stream: boolean) => string
  readonly headers: Readonly<Record<string, string>>
  /** Fields of the body that ask for a stream. */
  readonly streamFields: Readonly<Record<string, unknown>>
  /** The upstream's model. Cases may name another. */
  readonly model: string
  readonly provider: (port: number) => RelayOptions['providers'][string]
}

const bearer = { authorization: `Bearer ${KEY}` }
const apiKey = 'sk-upstream-0001'

export const setups: Readonly<Record<ConversationProtocol, ProtocolSetup>> = {
  'openai-chat': {
    path: () => '/v1/chat/completions',
    headers: bearer,
    streamFields: { stream: true, stream_options: { include_usage: true } },
    model: 'chat-model',
    provider: (port) => ({ type: 'openai', apiKey, baseURL: `http://127.0.0.1:${port}/v1`, speaks: ['openai-chat'] }),
  },
  'openai-responses': {
    path: () => '/v1/responses',
    headers: bearer,
    streamFields: { stream: true },
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
    streamFields: { stream: true },
    model: 'messages-model',
    provider: (port) => ({ type: 'anthropic', apiKey, baseURL: `http://127.0.0.1:${port}` }),
  },
  gemini: {
    path: (stream) => `/v1beta/models/m:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    headers: { 'x-goog-api-key': KEY },
    streamFields: {},
    model: 'gemini-model',
    provider: (port) => ({ type: 'gemini', apiKey, baseURL: `http://127.0.0.1:${port}` }),
  },
}

/** The facts in the path of a request for `m`. */
export function pathFacts(stream: boolean): PathFacts {
  return { id: 'm', stream, query: stream ? 'alt=sse' : '' }
}
