import { describe, expect, it } from 'vitest'
import { readRecords, type SseRecord } from '../../../src/lib/sse.js'
import { openaiChat } from '../../../src/protocols/openai-chat/index.js'

const toRecords = (...data: string[]): SseRecord[] => data.map((data) => ({ event: undefined, data }))
const classify = (chunk: unknown): string => {
  const read = openaiChat.classifyRecord({
    event: undefined,
    data: typeof chunk === 'string' ? chunk : JSON.stringify(chunk),
  })
  return typeof read === 'string' || 'usage' in read ? String(read) : `error ${read.status ?? ''}`.trim()
}
const delta = (value: object | null, more: object = {}): object => ({ choices: [{ index: 0, delta: value, ...more }] })

describe('classifyRecord', () => {
  it.each<[string, unknown, string]>([
    ['a role', delta({ role: 'assistant', content: '' }), 'prelude'],
    ['a null delta', delta(null), 'prelude'],
    ['usage alone', { choices: [], usage: { prompt_tokens: 1 } }, 'prelude'],
    ["Azure's filter results", { choices: [], prompt_filter_results: [] }, 'prelude'],
    ['empty reasoning', delta({ reasoning_content: '', content: null, tool_calls: [] }), 'prelude'],
    ['text', delta({ content: 'a' }), 'output'],
    ['reasoning', delta({ reasoning: 'hm' }), 'output'],
    ['a tool call', delta({ tool_calls: [{ index: 0 }] }), 'output'],
    ['a refusal', delta({ refusal: 'no' }), 'output'],
    ['a finish', delta({}, { finish_reason: 'stop' }), 'output'],
    ['[DONE]', '[DONE]', 'output'],
    ['[DONE] with spaces', ' [DONE] ', 'output'],
    ['an error', { error: { message: 'x', code: 429 } }, 'error 429'],
    ['an error with a type only', { error: { message: 'x', type: 'rate_limit_error' } }, 'error 429'],
    ['an error that is a string', { error: 'overloaded' }, 'error'],
    ['finish_reason error', delta({ content: '' }, { finish_reason: 'error' }), 'error'],
    [
      'native_finish_reason error beside stop',
      delta({}, { finish_reason: 'stop', native_finish_reason: 'error' }),
      'error',
    ],
    ['invalid JSON', '{"choices":[', 'error'],
  ])('%s', (_name, chunk, expected) => expect(classify(chunk)).toBe(expected))
})

describe('readEnding', () => {
  const text = JSON.stringify(delta({ content: 'a' }))
  const stop = JSON.stringify(delta({}, { finish_reason: 'stop' }))
  const usage = JSON.stringify({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } })

  it.each<[string, string[], boolean]>([
    ['with [DONE]', [text, stop, '[DONE]'], true],
    ['with a finish_reason but no [DONE]', [text, stop], true],
    ['with [DONE] but no finish_reason', [text, '[DONE]'], true],
    ['without either', [text], false],
    ['empty', [], false],
    ['with finish_reason error', [text, JSON.stringify(delta({}, { finish_reason: 'error' })), '[DONE]'], false],
    ['with an error', [text, '{"error":{"message":"x"}}'], false],
  ])('whether a stream %s is complete', (_name, data, complete) =>
    expect(openaiChat.readEnding(toRecords(...data)).complete).toBe(complete),
  )

  it('reads the last usage before [DONE]', () => {
    const early = usage.replace('"completion_tokens":3', '"completion_tokens":1')
    const late = usage.replace('"completion_tokens":3', '"completion_tokens":99')
    expect(openaiChat.readEnding(toRecords(early, stop, usage, '[DONE]', late)).usage).toMatchObject({
      input: 7,
      output: 3,
    })
  })
})

describe('readAnswerFacts', () => {
  const errorMessage = (value: unknown): string | undefined =>
    openaiChat.readAnswerFacts(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))).upstreamError
      ?.message

  it.each<[string, unknown, string]>([
    ['an error under 200', { error: { message: 'Provider returned error', code: 429 } }, 'Provider returned error'],
    ['an error beside no choices', { choices: [], error: { message: 'überlastet' } }, 'überlastet'],
    ['an empty body', '', 'The provider sent an empty answer.'],
    ['null', 'null', 'The provider sent an answer that is not JSON.'],
    ['an HTML page', '<html>login</html>', 'The provider sent an answer that is not JSON.'],
    ['an object without choices', { object: 'list' }, 'The provider sent an answer without choices.'],
    [
      'finish_reason error',
      { choices: [{ finish_reason: 'error' }] },
      'The provider sent an answer that the model broke off.',
    ],
  ])('reads %s as an error', (_name, value, expected) => expect(errorMessage(value)).toBe(expected))

  it.each<[string, object, object]>([
    [
      'reasoning within completion_tokens',
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 15,
        completion_tokens_details: { reasoning_tokens: 4 },
        prompt_tokens_details: { cached_tokens: 8 },
      },
      { input: 10, cachedInput: 8, cacheWriteInput: 0, output: 5, reasoning: 4 },
    ],
    [
      'reasoning beside completion_tokens, as xAI counts it',
      {
        prompt_tokens: 10120,
        completion_tokens: 1499,
        total_tokens: 14428,
        completion_tokens_details: { reasoning_tokens: 2809 },
      },
      { input: 10120, cachedInput: 0, cacheWriteInput: 0, output: 4308, reasoning: 2809 },
    ],
    [
      'invalid numbers',
      { prompt_tokens: -1, completion_tokens: 'x' },
      { input: 0, cachedInput: 0, cacheWriteInput: 0, output: 0, reasoning: 0 },
    ],
  ])('reads usage with %s', (_name, usage, expected) => {
    expect(openaiChat.readAnswerFacts(Buffer.from(JSON.stringify({ choices: [], usage, error: null })))).toMatchObject({
      usage: expected,
    })
  })
})

describe('readError', () => {
  it.each<[string, unknown, object]>([
    [
      "OpenAI's",
      { error: { message: 'm', type: 't', param: 'p', code: 'c' } },
      { message: 'm', type: 't', param: 'p', code: 'c', native: true },
    ],
    ['a string', { error: 'model not loaded' }, { message: 'model not loaded', native: false }],
    ['a list', [{ error: { message: 'm', code: 503 } }], { message: 'm', code: '503', native: false }],
    ["FastAPI's", { detail: [{ loc: ['body'], msg: 'field required' }] }, { message: 'field required' }],
    [
      "vLLM's",
      { object: 'error', message: 'too long', type: 'BadRequestError', code: 400 },
      { message: 'too long', code: '400' },
    ],
    ["DashScope's", { message: 'bad', code: 'InvalidParameter' }, { message: 'bad', code: 'InvalidParameter' }],
    ['a message that is not text', { error: { message: { a: 1 }, code: 'c' } }, { message: 'c' }],
  ])('%s', (_name, body, expected) => {
    expect(openaiChat.readError(400, Buffer.from(JSON.stringify(body)))).toMatchObject({ status: 400, ...expected })
  })

  it.each(['', 'null', '<html></html>', '[]', '{}', '{"error":{}}'])('%j holds no error', (body) => {
    expect(openaiChat.readError(500, Buffer.from(body))).toBeUndefined()
  })
})

it('reads its own stream errors as errors', async () => {
  const { RelayError } = await import('../../../src/errors.js')
  const [record] = readRecords(openaiChat.writeStreamError(new RelayError('upstream_failed', 'gone "away"\n')))
  expect(record && openaiChat.classifyRecord(record)).toMatchObject({ message: 'gone "away"\n', status: 500 })
})
