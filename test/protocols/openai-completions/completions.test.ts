import { describe, expect, it } from 'vitest'
import type { ChatEvent } from '../../../src/chat/events.js'
import { Losses } from '../../../src/chat/losses.js'
import type { ChatRequest } from '../../../src/chat/request.js'
import { RelayError } from '../../../src/errors.js'
import { openaiCompletions } from '../../../src/protocols/openai-completions/index.js'
import {
  answerContext,
  collectAnswer,
  emptyRequest,
  noPath,
  parseChunks,
  readStream,
  toBytes,
  writeStream,
} from '../openai-chat/chat-fixtures.js'

const read = (fields: object): ChatRequest => openaiCompletions.readRequest(toBytes({ model: 'm', ...fields }), noPath)
const write = (request: ChatRequest): Record<string, unknown> => {
  const losses = new Losses('openai-completions')
  return JSON.parse(
    openaiCompletions.writeRequest(request, { model: 'up', stream: true, issuer: 'x', dialect: {}, losses }),
  )
}

describe('a completions request', () => {
  it('HC-176: reads one prompt as a user message', () => {
    const fields = {
      max_tokens: 5,
      stop: ['x'],
      n: 2,
      temperature: 0,
      echo: false,
      best_of: 1,
      logprobs: null,
      suffix: null,
      stream: true,
      stream_options: { include_usage: true },
    }
    for (const prompt of ['hi', ['hi']]) {
      expect(read({ prompt, ...fields })).toMatchObject({
        turns: [{ role: 'user', blocks: [{ type: 'text', text: 'hi', at: 'prompt' }] }],
        stream: true,
        wantsUsage: true,
        maxOutputTokens: 5,
        stop: ['x'],
        choices: 2,
        temperature: 0,
        native: undefined,
      })
    }
  })

  it.each<[object, string]>([
    [{ prompt: ['a', 'b'] }, 'prompt'],
    [{ prompt: [1, 2, 3] }, 'prompt'],
    [{ prompt: [[1], [2]] }, 'prompt'],
    [{ prompt: [] }, 'prompt'],
    [{ prompt: null }, 'prompt'],
    [{ prompt: {} }, 'prompt'],
    [{}, 'prompt'],
    [{ prompt: 'a', echo: true }, 'echo'],
    [{ prompt: 'a', suffix: 'x' }, 'suffix'],
    [{ prompt: 'a', best_of: 3 }, 'best_of'],
    [{ prompt: 'a', logprobs: 3 }, 'logprobs'],
    [{ prompt: 'a', logprobs: 0 }, 'logprobs'],
    [{ prompt: 'a', max_tokens: 'x' }, 'max_tokens'],
  ])('HC-176: refuses %j, and names its path', (fields, param) => {
    let refused: unknown
    try {
      read(fields)
    } catch (error) {
      refused = error
    }
    expect(refused).toMatchObject({ name: 'RelayError', status: 400, param })
  })

  it('writes a request that it has read, and refuses a conversation', () => {
    expect(write(read({ prompt: 'hi', max_tokens: 5, logit_bias: { 1: 2 } }))).toEqual({
      model: 'up',
      prompt: 'hi',
      max_tokens: 5,
      logit_bias: { 1: 2 },
      stream: true,
      stream_options: { include_usage: true },
    })
    const turn = { role: 'user', blocks: [{ type: 'text', text: 'a' }], at: 'messages[0]' } as const
    for (const turns of [[turn, { ...turn, at: 'messages[1]' }], [{ ...turn, role: 'system' as const }], []]) {
      expect(() => write({ ...emptyRequest, turns })).toThrowError(RelayError)
    }
  })

  it('reads the model, its position, and the stream flag', () => {
    const facts = openaiCompletions.readFacts(toBytes('{"model":"mä","prompt":[1],"stream":true}'), noPath)
    expect(facts).toMatchObject({ model: 'mä', modelSpan: { start: 9, end: 14 }, stream: true })
    for (const body of [
      '',
      '[]',
      '{"prompt":"x"}',
      '{"model":""}',
      '{"model":"a","model":"b"}',
      '{"model":"a","stream":1}',
    ]) {
      expect(() => openaiCompletions.readFacts(toBytes(body), noPath), body).toThrowError(RelayError)
    }
  })
})

describe('a completions answer', () => {
  const usage = { input: 1, cachedInput: 0, cacheWriteInput: 0, output: 2, reasoning: 0 }

  it('HC-176: writes the text of every choice', () => {
    const context = answerContext()
    const choice = {
      blocks: [{ type: 'reasoning', text: 'hm' } as const, { type: 'text', text: 'a' } as const],
      finish: { reason: 'length' } as const,
    }
    expect(
      JSON.parse(openaiCompletions.writeAnswer({ model: 'real', choices: [choice, choice], usage }, context)),
    ).toMatchObject({
      id: 'cmpl-id1',
      object: 'text_completion',
      model: 'real',
      choices: [
        { text: 'a', index: 0, logprobs: null, finish_reason: 'length' },
        { text: 'a', index: 1 },
      ],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    })
    expect(context.losses.list.map(({ path: at }) => at)).toEqual(['content[0]'])
  })

  it('HC-176: writes chunks in the form of an answer, and usage where the request asks for it', () => {
    const events: ChatEvent[] = [
      { type: 'start', id: 'x', model: 'real' },
      { type: 'block', index: 0, choice: 0, block: { type: 'text', text: '' } },
      { type: 'delta', index: 0, text: 'a' },
      { type: 'block', index: 1, choice: 1, block: { type: 'text', text: '' } },
      { type: 'delta', index: 1, text: 'b' },
      { type: 'stop', index: 0 },
      { type: 'stop', index: 1 },
      { type: 'usage', usage },
      { type: 'finish', choice: 1, finish: { reason: 'length' } },
      { type: 'finish', choice: 0, finish: { reason: 'stop' } },
    ]
    const written = writeStream(events, answerContext({ wantsUsage: true }), openaiCompletions)
    expect(written.endsWith('data: [DONE]\n\n')).toBe(true)
    const common = { id: 'cmpl-id1', object: 'text_completion', created: 1_700_000_000, model: 'real' }
    const chunk = (index: number, text: string, finish_reason: string | null = null): object => ({
      ...common,
      choices: [{ index, text, logprobs: null, finish_reason }],
    })
    expect(parseChunks(written)).toMatchObject([
      chunk(0, 'a'),
      chunk(1, 'b'),
      chunk(0, '', 'stop'),
      chunk(1, '', 'length'),
      { ...common, choices: [], usage: { total_tokens: 3 } },
    ])
    expect(collectAnswer(readStream(written, openaiCompletions))).toMatchObject({
      choices: [
        { blocks: [{ text: 'a' }], finish: { reason: 'stop' } },
        { blocks: [{ text: 'b' }], finish: { reason: 'length' } },
      ],
      usage,
    })
    expect(writeStream(events, answerContext(), openaiCompletions)).not.toContain('usage')
  })

  it('reads an upstream’s answer', () => {
    const value = {
      id: 'c',
      model: 'm',
      choices: [{ text: 'a', index: 0, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 2 },
    }
    expect(openaiCompletions.readAnswer(toBytes(value), { id: 'r' })).toMatchObject({
      choices: [{ blocks: [{ text: 'a' }] }],
      usage,
    })
    expect(openaiCompletions.readAnswerFacts(toBytes(value))).toMatchObject({ usage })
  })

  it('ends a failed stream without [DONE]', () => {
    expect(openaiCompletions.writeStream(answerContext()).fail(new RelayError('upstream_failed', 'gone'))).toContain(
      '"error"',
    )
    expect(openaiCompletions.writeStream(answerContext()).end()).toMatch(/"finish_reason":"stop".*\[DONE]/s)
  })
})
