import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { answerJson } from '../scripted-upstream.js'
import { answerStreamText, type ClientResponse, type Harness, startHarness } from './harness.js'
import {
  chunk,
  dataRecord,
  dig,
  messageStart,
  namedRecord,
  protocolFixtures,
  protocolNames,
} from './protocol-fixtures.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup)
})
afterEach(() => cleanup.run())

const usageIn = ({ records }: ClientResponse): unknown =>
  records.map((record) => dig(record, 'usage')).findLast((usage) => usage)
const usage = { stream: true, with: { stream_options: { include_usage: true } } }

describe('usage of Messages', () => {
  it('HC-080: adds cached tokens to the input, and reports them separately', async () => {
    const counted = {
      input_tokens: 4,
      cache_creation_input_tokens: 100,
      cache_read_input_tokens: 2455,
      output_tokens: 34,
    }
    harness.upstream.script = answerJson({
      ...messageStart,
      content: [{ type: 'text', text: 'x' }],
      stop_reason: 'end_turn',
      usage: counted,
    })
    expect(dig((await harness.ask('chat', 'messages/m')).json, 'usage')).toMatchObject({
      prompt_tokens: 2559,
      prompt_tokens_details: { cached_tokens: 2455, cache_write_tokens: 100 },
      completion_tokens: 34,
      total_tokens: 2593,
    })
    for (const from of ['chat', 'messages', 'gemini'] as const) await harness.ask(from, 'messages/m')
    for (const record of harness.records)
      expect(record).toMatchObject({ inputTokens: 2559, cachedInputTokens: 2455, outputTokens: 34 })
  })

  const begun = { input_tokens: 4, cache_read_input_tokens: 2455, output_tokens: 1 }
  it.each<[object, object]>([
    [begun, { output_tokens: 34, input_tokens: 4, cache_read_input_tokens: 2455 }],
    [begun, { output_tokens: 34, input_tokens: null }],
    [
      { input_tokens: 0, output_tokens: 0 },
      { output_tokens: 34, input_tokens: 4, cache_read_input_tokens: 2455 },
    ],
  ])('HC-081: takes the last of %j and %j, and adds nothing', async (start, delta) => {
    harness.upstream.script = answerStreamText(
      [
        { type: 'message_start', message: { ...messageStart, usage: start } },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'x' } },
        { type: 'content_block_stop', index: 0 },
        { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: delta },
        { type: 'message_stop' },
      ]
        .map(namedRecord)
        .join(''),
    )
    expect(usageIn(await harness.ask('chat', 'messages/m', usage))).toMatchObject({
      prompt_tokens: 2459,
      prompt_tokens_details: { cached_tokens: 2455 },
      completion_tokens: 34,
    })
    for (const from of protocolNames) await harness.ask(from, 'messages/m', { stream: true })
    for (const record of harness.records)
      expect(record).toMatchObject({ inputTokens: 2459, cachedInputTokens: 2455, outputTokens: 34 })
  })
})

describe('usage of Chat Completions', () => {
  const counted = (counts: object): void => {
    harness.upstream.script = answerJson({ ...protocolFixtures.chat.whole('x'), usage: counts })
  }

  it('HC-082: subtracts cached tokens once', async () => {
    counted({
      prompt_tokens: 1000,
      completion_tokens: 5,
      prompt_tokens_details: { cached_tokens: 800, cache_write_tokens: 100 },
    })
    const expected = {
      input_tokens: 100,
      cache_read_input_tokens: 800,
      cache_creation_input_tokens: 100,
      output_tokens: 5,
    }
    expect(dig((await harness.ask('messages', 'chat/m')).json, 'usage')).toMatchObject(expected)
    counted({ prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 800 } })
    expect(dig((await harness.ask('messages', 'chat/m')).json, 'usage', 'input_tokens')).toBe(0)
  })

  it('HC-084: adds reasoning to the output where the provider counts it separately', async () => {
    const details = { completion_tokens_details: { reasoning_tokens: 2809 } }
    counted({ prompt_tokens: 10120, completion_tokens: 1499, total_tokens: 14428, ...details })
    for (const from of protocolNames) await harness.ask(from, 'chat/m')
    for (const record of harness.records) expect(record).toMatchObject({ outputTokens: 4308, reasoningTokens: 2809 })
    counted({ prompt_tokens: 10, completion_tokens: 3000, total_tokens: 3010, ...details })
    expect(dig((await harness.ask('messages', 'chat/m')).json, 'usage', 'output_tokens')).toBe(3000)
  })

  const counts = (completion_tokens: number): object => ({
    usage: { prompt_tokens: 5, completion_tokens, total_tokens: 5 + completion_tokens },
  })
  it.each([
    [
      'on every chunk',
      [
        chunk({ content: 'a' }, null, counts(1)),
        chunk({ content: 'b' }, null, counts(2)),
        chunk({}, 'stop', counts(2)),
      ],
    ],
    ['in the last chunk that has a choice', [chunk({ content: 'ab' }), chunk({}, 'stop', counts(2))]],
    ['under x_groq', [chunk({ content: 'ab' }), chunk({}, 'stop', { x_groq: counts(2) })]],
    [
      'in the choice',
      [
        chunk({ content: 'ab' }),
        dataRecord({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', ...counts(2) }] }),
      ],
    ],
  ])('HC-085: finds usage %s', async (_where, records) => {
    harness.upstream.script = answerStreamText(records.join('') + dataRecord('[DONE]'))
    for (const from of protocolNames) await harness.ask(from, 'chat/m', { stream: true })
    for (const record of harness.records) expect(record).toMatchObject({ inputTokens: 5, outputTokens: 2 })
  })
})
