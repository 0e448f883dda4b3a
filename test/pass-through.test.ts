import { afterEach, expect, it } from 'vitest'
import { fetchRelay } from '../adapters/fetch.js'
import type { UsageRecord } from '../src/index.js'
import { Cleanup } from './cleanup.js'
import { answerStream, startUpstream } from './scripted-upstream.js'
import { KEY, testRelay } from './test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const record = (type: string, more: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`

it('HC-081: records usage from the first record of a stream that passes through', async () => {
  const message = { id: 'm1', type: 'message', role: 'assistant', content: [], model: 'claude', stop_reason: null }
  const words = Array.from({ length: 400 }, (_, index) =>
    record('content_block_delta', { index: 0, delta: { type: 'text_delta', text: `word ${index} ` } }),
  )
  const pieces = [
    record('message_start', {
      message: { ...message, usage: { input_tokens: 7, cache_read_input_tokens: 100, output_tokens: 1 } },
    }),
    record('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    ...words,
    record('content_block_stop', { index: 0 }),
    record('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 400 } }),
    record('message_stop', {}),
  ]
  const upstream = cleanup.add(await startUpstream(answerStream(pieces)))
  const records: UsageRecord[] = []
  const relay = cleanup.add(
    testRelay({
      providers: { claude: { type: 'anthropic', apiKey: 'k-12345678', baseURL: `http://127.0.0.1:${upstream.port}` } },
      plugins: [{ done: (one) => void records.push(one) }],
    }),
  )
  const body = { model: 'claude/x', max_tokens: 9, stream: true, messages: [{ role: 'user', content: 'hi' }] }
  const response = await fetchRelay(relay)('http://relay/v1/messages', {
    method: 'POST',
    headers: { 'x-api-key': KEY },
    body: JSON.stringify(body),
  })
  expect(await response.text()).toBe(pieces.join(''))
  expect(records).toMatchObject([{ inputTokens: 107, cachedInputTokens: 100, outputTokens: 400, outcome: 'complete' }])
})
