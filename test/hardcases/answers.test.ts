import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../mounts.js'
import { answerJson } from '../upstream.js'
import { type Bench, type Came, startBench, streams } from './bench.js'
import { data, dig, fragment, messageStart, speeches } from './languages.js'

const cleanup = new Cleanup()
let bench: Bench

beforeEach(async () => {
  bench = await startBench(cleanup)
})
afterEach(() => cleanup.run())

/** Of a stream in Chat Completions: the last finish reason, and its usage. */
const finishIn = ({ records }: Came): unknown =>
  records.map((record) => dig(record, 'choices', 0, 'finish_reason')).findLast((finish) => finish)
const usageIn = ({ records }: Came): unknown => records.map((record) => dig(record, 'usage')).findLast((usage) => usage)
const callsIn = ({ records }: Came): unknown[] =>
  records.flatMap((record) => (dig(record, 'choices', 0, 'delta', 'tool_calls') as unknown[] | undefined) ?? [])
const usage = { stream: true, with: { stream_options: { include_usage: true } } }

describe('Gemini’s answers', () => {
  const call = (name: string): object => ({ functionCall: { name, args: { c: 'B' } } })

  it('HC-053: a STOP after a call is a call, and its usage is all of it', async () => {
    const usageMetadata = {
      promptTokenCount: 107,
      candidatesTokenCount: 31,
      thoughtsTokenCount: 148,
      totalTokenCount: 286,
    }
    const last = fragment([{ text: '' }], 'STOP', { usageMetadata })
    bench.upstream.script = streams((data(fragment([call('w')])) + data(last)).replaceAll('\n', '\r\n'))
    const came = await bench.ask('chat', 'gemini/m', usage)
    expect(callsIn(came)[0]).toMatchObject({ index: 0, function: { name: 'w' } })
    expect(finishIn(came)).toBe('tool_calls')
    expect(usageIn(came)).toMatchObject({ prompt_tokens: 107, completion_tokens: 179, total_tokens: 286 })
    const message = await bench.ask('messages', 'gemini/m', { stream: true })
    expect(message.text).toContain('"stop_reason":"tool_use"')
  })

  it('HC-054: parallel calls are numbered over the whole stream, each with an id of its own', async () => {
    bench.upstream.script = streams(
      ['a', 'b', 'c'].map((name) => data(fragment([call(name)], name === 'c' ? 'STOP' : undefined))).join(''),
    )
    const began = callsIn(await bench.ask('chat', 'gemini/m', { stream: true })).filter((call) => dig(call, 'id'))
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
      'a cap that thinking has eaten',
      {
        candidates: [{ finishReason: 'MAX_TOKENS', index: 0 }],
        usageMetadata: { promptTokenCount: 8, thoughtsTokenCount: 5, totalTokenCount: 13 },
      },
      'length',
      'max_tokens',
    ],
    ['nothing at all', { candidates: [{ content: { role: 'model' }, finishReason: 'STOP' }] }, 'stop', 'end_turn'],
  ])('HC-068: %s is an answer without words', async (_what, body, finish, stop) => {
    for (const stream of [false, true]) {
      bench.upstream.script = stream ? streams(data(body)) : answerJson(body)
      const chat = await bench.ask('chat', 'gemini/m', { stream })
      expect(chat.status, chat.text).toBe(200)
      expect(stream ? finishIn(chat) : dig(chat.json, 'choices', 0, 'finish_reason')).toBe(finish)
      expect(stream ? speeches.chat.wordsIn(chat.records) : speeches.chat.wordsOf(chat.json)).toBe('')
      expect((await bench.ask('messages', 'gemini/m', { stream })).text).toContain(`"stop_reason":"${stop}"`)
    }
    if (finish === 'length') expect(bench.records[0]).toMatchObject({ reasoningTokens: 5, outputTokens: 5 })
  })

  const malformed = {
    candidates: [
      { content: {}, finishReason: 'MALFORMED_FUNCTION_CALL', finishMessage: 'Malformed function call: print()' },
    ],
  }

  it('HC-069: a broken call before any output is asked for again, then it is an error', async () => {
    for (const stream of [false, true]) {
      bench = await startBench(cleanup, { retry: { attempts: 2, minDelayMs: 1 } })
      bench.upstream.script = stream ? streams(data(malformed)) : answerJson(malformed)
      const { status, json } = await bench.ask('chat', 'gemini/m', { stream })
      expect([status, dig(json, 'error', 'message')]).toEqual([502, 'Malformed function call: print()'])
      expect(bench.upstream.seen).toHaveLength(2)
    }
  })

  it('HC-069: after output it breaks the stream off', async () => {
    bench.upstream.script = streams(data(fragment([{ text: 'Let me' }])) + data(malformed))
    for (const from of ['chat', 'responses', 'messages'] as const) {
      const { text, records } = await bench.ask(from, 'gemini/m', { stream: true })
      expect(speeches[from].wordsIn(records)).toBe('Let me')
      expect(text).not.toMatch(speeches[from].end)
      expect(text).toContain('Malformed function call')
    }
  })

  it('HC-070: half an answer that wants to be gone on with is never told as a whole one in its own language', async () => {
    const half = {
      candidates: [
        {
          content: { role: 'model', parts: [{ text: 'half' }] },
          finishReason: 'CONTINUATION',
          continuationToken: 'dG9r',
        },
      ],
    }
    bench.upstream.script = answerJson(half)
    expect((await bench.ask('gemini', 'gemini/m')).json).toEqual(half)
    expect((await bench.ask('messages', 'gemini/m')).json).toMatchObject({ stop_reason: 'pause_turn' })
  })

  it('HC-076: places of sources are counted in the text’s own units', async () => {
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
    bench.upstream.script = answerJson({ candidates: [candidate] })
    const { json } = await bench.ask('chat', 'gemini/m')
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
  ])('HC-077: %s is %s', async (stop_reason, finish) => {
    const stop_details = stop_reason === 'refusal' ? { type: 'refusal', explanation: 'Not this.' } : null
    bench.upstream.script = answerJson({
      ...messageStart,
      content: [{ type: 'text', text: 'so far' }],
      stop_reason,
      stop_details,
    })
    const { json } = await bench.ask('chat', 'messages/m')
    expect(dig(json, 'choices', 0)).toMatchObject({ finish_reason: finish, message: { content: 'so far' } })
    if (stop_details) expect(dig(json, 'choices', 0, 'message', 'refusal')).toBe('Not this.')
  })
})
