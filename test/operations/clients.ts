import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import type OpenAI from 'openai'
import type { Mounted } from '../listen.js'
import { openaiClient } from '../openai-client.js'
import { KEY } from '../test-relay.js'

/** The official clients of one relay, and a client for endpoints without an official one. */
export interface Clients {
  readonly openai: OpenAI
  readonly anthropic: Anthropic
  readonly gemini: GoogleGenAI
  /** Sends JSON to a path that no official client knows. */
  post(path: string, body: object): Promise<Response>
}

export function clientsOf(mounted: Mounted): Clients {
  const origin = mounted.baseURL.replace(/\/v1$/, '')
  return {
    openai: openaiClient(mounted),
    anthropic: new Anthropic({ baseURL: origin, apiKey: KEY, maxRetries: 0 }),
    gemini: new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: origin } }),
    post: (path, body) =>
      fetch(`${mounted.baseURL}/${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
  }
}
