import OpenAI from 'openai'
import type { Mounted } from './listen.js'
import { KEY } from './test-relay.js'

/** The official SDK, without its own retries. */
export function openaiClient({ baseURL, fetch }: Pick<Mounted, 'baseURL' | 'fetch'>, apiKey: string = KEY): OpenAI {
  return new OpenAI({ baseURL, apiKey, maxRetries: 0, fetch })
}

/** A chat request for the model `m`. */
export function chatRequest(words = 'hi'): { model: string; messages: { role: 'user'; content: string }[] } {
  return { model: 'm', messages: [{ role: 'user', content: words }] }
}

/** The whole text of a streamed answer. */
export async function streamedText(client: OpenAI, signal?: AbortSignal): Promise<string> {
  const stream = await client.chat.completions.create({ ...chatRequest(), stream: true }, signal ? { signal } : {})
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  return text
}
