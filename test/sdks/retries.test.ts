import { createOpenAI } from '@ai-sdk/openai'
import { generateText } from 'ai'
import { afterEach, describe, expect, test } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { inTurn } from '../scripted-upstream.js'
import { KEY } from '../test-relay.js'
import { anthropicClient } from './clients/anthropic.js'
import { openaiClient } from './clients/openai-chat.js'
import { answerWithError, protocols, scriptFor, startSdkHarness } from './sdk-harness.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const messages = [{ role: 'user' as const, content: 'Hi' }]

/** Each client makes one retry. Returns the answer's text and request id. */
const clients: readonly (readonly [name: string, ask: (origin: string) => Promise<unknown>])[] = [
  [
    'openai',
    async (origin) => {
      const client = openaiClient(origin, KEY).withOptions({ maxRetries: 1 })
      const { choices, _request_id } = await client.chat.completions.create({ model: 'm', messages })
      return [choices[0]?.message.content, _request_id]
    },
  ],
  [
    'anthropic',
    async (origin) => {
      const client = anthropicClient(origin, KEY).withOptions({ maxRetries: 1 })
      const { content, _request_id } = await client.messages.create({ model: 'm', max_tokens: 99, messages })
      return [content[0]?.type === 'text' && content[0].text, _request_id]
    },
  ],
  [
    'ai',
    async (origin) => {
      const model = createOpenAI({ baseURL: `${origin}/v1`, apiKey: KEY }).chat('gpt-5')
      const { text, response } = await generateText({ model, messages, maxRetries: 1 })
      return [text, response.headers?.['x-request-id']]
    },
  ],
]

describe.each(clients)('%s', (_name, ask) => {
  test.each(protocols)('retries after the wait that the provider of $id requests', async (protocol) => {
    const { upstream, origin } = await startSdkHarness(protocol, cleanup)
    const busy = answerWithError(protocol, 429, 'Slow down', { 'retry-after-ms': '120' })
    upstream.script = inTurn(busy, scriptFor(protocol, [{ text: ['Now'] }]))
    const begun = performance.now()
    expect(await ask(origin)).toEqual(['Now', expect.stringMatching(/^req_/)])
    expect(performance.now() - begun).toBeGreaterThan(115)
    expect(upstream.seen).toHaveLength(2)
  })
})
