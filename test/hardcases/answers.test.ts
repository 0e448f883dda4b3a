import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { answerJson } from '../scripted-upstream.js'
import { answerStreamText, type ClientResponse, type Harness, startHarness } from './harness.js'
import { dataRecord, dig, fragment, messageStart, protocolFixtures } from './protocol-fixtures.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup)
})
afterEach(() => cleanup.run())

/** Of a stream in Chat Completions: the last finish reason, and its usage. */
const finishIn = ({ records }: ClientResponse): unknown =>
  records.map((record) => dig(record, 'choices', 0, 'finish_reason')).findLast((finish) => finish)
const usageIn = ({ records }: ClientResponse): unknown =>
  records.map((record) => dig(record, 'usage')).findLast((usage) => usage)
const callsIn = ({ records }: ClientResponse): unknown[] =>
  records.flatMap((record) => (dig(record, 'choices', 0, 'delta', 'tool_calls') as unknown[] | undefined) ?? [])
const usage = { stream: true, with: { stream_options: { include_usage: true } } }

describe('Gemini’s answers', () => {
  const call = (name: string): object => ({ functionCall: { name, args: { c: 'B' } } })

  it('HC-053: reads STOP after a call as a tool call, with the whole usage', async () => {
    const usageMetadata = {
      promptTokenCount: 107,
      candidatesTokenCount: 31,
      thoughtsTokenCount: 148,
      totalTokenCount: 286,
    }
    const last = fragment([{ text: '' }], 'STOP', { usageMetadata })
    harness.upstream.script = answerStreamText(
      (dataRecord(fragment([call('w')])) + dataRecord(last)).replaceAll('\n', '\r\n'),
    )
    const response = await harness.ask('chat', 'gemini/m', usage)
    expect(callsIn(response)[0]).toMatchObject({ index: 0, function: { name: 'w' } })
    expect(finishIn(response)).toBe('tool_calls')
    expect(usageIn(response)).toMatchObject({ prompt_tokens: 107, completion_tokens: 179, total_tokens: 286 })
    const message = await harness.ask('messages', 'gemini/m', { stream: true })
    expect(message.text).toContain('"stop_reason":"tool_use"')
  })

  it('HC-054: numbers parallel calls over the whole stream, and gives each its own id', async () => {
    harness.upstream.script = answerStreamText(
      ['a', 'b', 'c'].map((name) => dataRecord(fragment([call(name)], name === 'c' ? 'STOP' : undefined))).join(''),
    )
    const began = callsIn(await harness.ask('chat', 'gemini/m', { stream: true })).filter((call) => dig(call, 'id'))
    expect(began.map((call) => dig(call, 'index'))).toEqual([0, 1, 2])
    expect(new Set(began.map((call) => dig(call, 'id'))).size).toBe(3)
  })

  it.each<[string, object, string, string]>([
    [
      'a blocked prompt',
      { promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: { promptTokenCount: 8, totalTokenCount: 8 } },
      'content_filter',
      'refusal',
    ],
    [
      'an output cap used up by thinking',
      {
        candidates: [{ finishReason: 'MAX_TOKENS', index: 0 }],
        usageMetadata: { promptTokenCount: 8, thoughtsTokenCount: 5, totalTokenCount: 13 },
      },
      'length',
      'max_tokens',
    ],
    ['empty content', { candidates: [{ content: { role: 'model' }, finishReason: 'STOP' }] }, 'stop', 'end_turn'],
  ])('HC-068: reads %s as an answer without text', async (_what, body, finish, stop) => {
    for (const stream of [false, true]) {
      harness.upstream.script = stream ? answerStreamText(dataRecord(body)) : answerJson(body)
      const chat = await harness.ask('chat', 'gemini/m', { stream })
      expect(chat.status, chat.text).toBe(200)
      expect(stream ? finishIn(chat) : dig(chat.json, 'choices', 0, 'finish_reason')).toBe(finish)
      expect(
        stream ? protocolFixtures.chat.textOfRecords(chat.records) : protocolFixtures.chat.textOfAnswer(chat.json),
      ).toBe('')
      expect((await harness.ask('messages', 'gemini/m', { stream })).text).toContain(`"stop_reason":"${stop}"`)
    }
    if (finish === 'length') expect(harness.records[0]).toMatchObject({ reasoningTokens: 5, outputTokens: 5 })
  })

  const malformed = {
    candidates: [
      { content: {}, finishReason: 'MALFORMED_FUNCTION_CALL', finishMessage: 'Malformed function call: print()' },
    ],
  }

  it('HC-069: retries a malformed call before any output, then answers with an error', async () => {
    for (const stream of [false, true]) {
      harness = await startHarness(cleanup, { retry: { attempts: 2, minDelayMs: 1 } })
      harness.upstream.script = stream ? answerStreamText(dataRecord(malformed)) : answerJson(malformed)
      const { status, json } = await harness.ask('chat', 'gemini/m', { stream })
      expect([status, dig(json, 'error', 'message')]).toEqual([502, 'Malformed function call: print()'])
      expect(harness.upstream.seen).toHaveLength(2)
    }
  })

  it('HC-069: ends the stream with an error for a malformed call after output', async () => {
    harness.upstream.script = answerStreamText(dataRecord(fragment([{ text: 'Let me' }])) + dataRecord(malformed))
    for (const from of ['chat', 'responses', 'messages'] as const) {
      const { text, records } = await harness.ask(from, 'gemini/m', { stream: true })
      expect(protocolFixtures[from].textOfRecords(records)).toBe('Let me')
      expect(text).not.toMatch(protocolFixtures[from].endOfStream)
      expect(text).toContain('Malformed function call')
    }
  })

  it('HC-070: passes a CONTINUATION on to Gemini clients, and writes pause_turn for Messages', async () => {
    const half = {
      candidates: [
        {
          content: { role: 'model', parts: [{ text: 'half' }] },
          finishReason: 'CONTINUATION',
          continuationToken: 'dG9r',
        },
      ],
    }
    harness.upstream.script = answerJson(half)
    expect((await harness.ask('gemini', 'gemini/m')).json).toEqual(half)
    expect((await harness.ask('messages', 'gemini/m')).json).toMatchObject({ stop_reason: 'pause_turn' })
  })

  it('HC-076: converts byte positions of citations to UTF-16 positions', async () => {
    const groundingMetadata = {
      groundingChunks: [{ web: { uri: 'https://e.jp/', title: 'e' } }],
      groundingSupports: [{ segment: { startIndex: 6, endIndex: 12, text: 'です' }, groundingChunkIndices: [0] }],
    }
    const candidate = {
      index: 0,
      content: { role: 'model', parts: [{ text: '日本です' }] },
      finishReason: 'STOP',
      groundingMetadata,
    }
    harness.upstream.script = answerJson({ candidates: [candidate] })
    const { json } = await harness.ask('chat', 'gemini/m')
    expect(dig(json, 'choices', 0, 'message', 'annotations', 0, 'url_citation')).toMatchObject({
      start_index: 2,
      end_index: 4,
      url: 'https://e.jp/',
    })
  })
})

describe('Anthropic’s answers', () => {
  it.each([
    ['pause_turn', 'stop', 'pause_turn'],
    ['refusal', 'content_filter', 'refusal'],
    ['model_context_window_exceeded', 'length', 'model_context_window_exceeded'],
    ['brand_new', 'stop', 'brand_new'],
  ])('HC-077: writes the stop reason %s as %s', async (stop_reason, finish) => {
    const stop_details = stop_reason === 'refusal' ? { type: 'refusal', explanation: 'Not this.' } : null
    harness.upstream.script = answerJson({
      ...messageStart,
      content: [{ type: 'text', text: 'so far' }],
      stop_reason,
      stop_details,
    })
    const { json } = await harness.ask('chat', 'messages/m')
    expect(dig(json, 'choices', 0)).toMatchObject({ finish_reason: finish, message: { content: 'so far' } })
    if (stop_details) expect(dig(json, 'choices', 0, 'message', 'refusal')).toBe('Not this.')
  })
})
