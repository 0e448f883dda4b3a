import { afterEach, describe, expect, test } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { answerJson } from '../scripted-upstream.js'
import { KEY } from '../test-relay.js'
import { anthropicClient } from './clients/anthropic.js'
import { genaiClient } from './clients/genai.js'
import { openaiClient } from './clients/openai-chat.js'
import { TOOL_INPUT } from './clients/sdk-client.js'
import { protocols, startSdkHarness } from './sdk-harness.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const text = 'How many words are these?'

/** Each client counts a question. */
const clients: readonly (readonly [
  name: string,
  count: (origin: string, text: string) => Promise<number | undefined>,
])[] = [
  [
    'anthropic countTokens',
    async (origin, content) => {
      const tools = [{ name: 'weather', input_schema: TOOL_INPUT }]
      const messages = [{ role: 'user' as const, content }]
      const { input_tokens } = await anthropicClient(origin, KEY).messages.countTokens({ model: 'm', messages, tools })
      return input_tokens
    },
  ],
  [
    'genai countTokens',
    async (origin, contents) =>
      (await genaiClient(origin, KEY).models.countTokens({ model: 'm', contents })).totalTokens,
  ],
  [
    'openai inputTokens.count',
    async (origin, input) =>
      (await openaiClient(origin, KEY).responses.inputTokens.count({ model: 'm', input })).input_tokens,
  ],
]

describe.each(clients)('%s', (_name, count) => {
  test.each(protocols)('counts tokens for a model in $id', async (protocol) => {
    const { upstream, origin } = await startSdkHarness(protocol, cleanup)
    const { counting } = protocol
    upstream.script = answerJson(counting?.answer(4711) ?? {})
    if (counting) {
      expect(await count(origin, text)).toBe(4711)
      expect(upstream.seen).toEqual([expect.objectContaining({ url: expect.stringMatching(counting.path) })])
      expect(upstream.seen[0]?.body).toContain(text)
      return
    }
    const few = (await count(origin, text)) ?? 0
    const many = (await count(origin, text.repeat(100))) ?? 0
    expect(few).toBeGreaterThan(4)
    expect(many).toBeGreaterThan(400)
    expect(upstream.seen).toHaveLength(0)
  })
})
