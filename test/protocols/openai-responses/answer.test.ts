import { describe, expect, it } from 'vitest'
import type { ChatAnswer } from '../../../src/chat/answer.js'
import { openaiResponses } from '../../../src/protocols/openai-responses/index.js'
import { answerContext, withoutUndefined } from './responses-fixtures.js'

const readAnswer = (body: unknown): ChatAnswer =>
  openaiResponses.readAnswer(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), { id: 'r1' })
const message = (...content: object[]): object => ({
  type: 'message',
  id: 'msg_1',
  role: 'assistant',
  status: 'completed',
  content,
})
const call = { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'f', arguments: '{"n":1.0}' }

describe('reading a whole answer', () => {
  it('reads text, reasoning, calls and items of its own', () => {
    const answer = readAnswer({
      id: 'resp_1',
      model: 'gpt-x',
      status: 'completed',
      output: [
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [
            { type: 'summary_text', text: 'a' },
            { type: 'summary_text', text: 'b' },
          ],
          encrypted_content: 'gAAA',
        },
        { type: 'web_search_call', id: 'ws_1', status: 'completed' },
        { ...(message({ type: 'output_text', text: 'c', annotations: [] }) as object), phase: 'commentary' },
        message({ type: 'output_text', text: '' }),
        call,
        { type: 'custom_tool_call', name: 'p', namespace: 'n', input: 'x' },
        { type: 'image_generation_call', id: 'ig_1', status: 'completed', result: 'AAAA', output_format: 'png' },
      ],
      usage: {
        input_tokens: 9,
        input_tokens_details: { cached_tokens: 4 },
        output_tokens: 5,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 14,
      },
    })
    expect(withoutUndefined(answer)).toEqual({
      id: 'resp_1',
      model: 'gpt-x',
      choices: [
        {
          blocks: [
            { type: 'reasoning', text: 'a' },
            { type: 'reasoning', text: 'b', signature: { protocol: 'openai-responses', value: 'gAAA', id: 'rs_1' } },
            {
              type: 'foreign',
              protocol: 'openai-responses',
              kind: 'web_search_call',
              value: { type: 'web_search_call', id: 'ws_1', status: 'completed' },
            },
            { type: 'text', text: 'c', native: { protocol: 'openai-responses', fields: { phase: 'commentary' } } },
            { type: 'tool-call', id: 'c1', name: 'f', input: '{"n":1.0}' },
            { type: 'tool-call', id: 'call_r1_0', name: 'p', namespace: 'n', input: 'x', freeform: true },
            { type: 'media', kind: 'image', mime: 'image/png', source: { type: 'bytes', data: 'AAAA' } },
          ],
          finish: { reason: 'tool-calls' },
        },
      ],
      usage: { input: 9, cachedInput: 4, cacheWriteInput: 0, output: 5, reasoning: 2 },
    })
  })

  it.each<[object, object[], string]>([
    [{ status: 'completed' }, [message({ type: 'output_text', text: 'a' })], 'stop'],
    [{ status: 'completed' }, [call], 'tool-calls'],
    [{ status: 'completed' }, [message({ type: 'refusal', refusal: 'no' })], 'refusal'],
    [{ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }, [call], 'length'],
    [{ status: 'incomplete', incomplete_details: { reason: 'content_filter' } }, [], 'filter'],
    [{ status: 'incomplete', incomplete_details: { reason: 'steered' } }, [], 'pause'],
    [{ status: 'incomplete' }, [], 'length'],
    [{}, [], 'stop'],
  ])('reads %j with the finish reason %s', (fields, output, reason) =>
    expect(readAnswer({ ...fields, output }).choices[0]?.finish.reason).toBe(reason),
  )

  it('reads citations, in UTF-16 units', () => {
    const annotations = [
      { type: 'url_citation', url: 'https://x', title: 'X', start_index: 2, end_index: 6 },
      { type: 'file_citation', file_id: 'f', filename: 'a.pdf', index: 3 },
      { type: 'url_citation', url: 'https://y' },
      null,
    ]
    const [block] =
      readAnswer({ output: [message({ type: 'output_text', text: '😀 said', annotations })] }).choices[0]?.blocks ?? []
    expect(withoutUndefined(block)).toEqual({
      type: 'text',
      text: '😀 said',
      citations: [
        { url: 'https://x', title: 'X', start: 3, end: 7 },
        { title: 'a.pdf', native: { protocol: 'openai-responses', fields: annotations[1] } },
        { url: 'https://y' },
      ],
    })
  })

  it('HC-084: adds reasoning that is counted separately', () => {
    const usage = {
      input_tokens: 2,
      output_tokens: 12,
      output_tokens_details: { reasoning_tokens: 317 },
      total_tokens: 331,
    }
    expect(readAnswer({ output: [], usage }).usage).toMatchObject({ output: 329, reasoning: 317 })
  })

  it.each<[string, string, number | undefined]>([
    ['', 'empty', undefined],
    ['<html>', 'not JSON', undefined],
    ['null', 'not JSON', undefined],
    ['[]', 'not JSON', undefined],
    ['{"id":"resp_1","status":"completed"}', 'without output', undefined],
    ['{"error":{"message":"Provider returned error","code":429}}', 'Provider returned error', 429],
    ['{"error":"Überlastet"}', 'Überlastet', undefined],
    ['{"status":"failed","output":[],"error":{"code":"rate_limit_exceeded","message":"Slow"}}', 'Slow', 429],
    ['{"status":"failed","output":[],"error":null}', 'failed', undefined],
  ])('HC-093, HC-097, HC-098: reads %s as an upstream error', (body, words, status) => {
    const { upstreamError } = readAnswer(body)
    expect(upstreamError?.message).toContain(words)
    expect(upstreamError?.status).toBe(status)
    expect(openaiResponses.readAnswerFacts(Buffer.from(body)).upstreamError).toEqual(upstreamError)
  })

  it('never throws', () => {
    const odd = [
      null,
      1,
      'a',
      [],
      {},
      [null],
      [{}],
      [{ type: 5 }],
      [{ type: 'message', content: 'a' }],
      [{ type: 'message', content: [null, 1, {}] }],
      [{ type: 'reasoning', summary: 'a', encrypted_content: 5 }],
      [{ type: 'function_call', arguments: { a: 1 } }],
    ]
    for (const output of odd) expect(() => readAnswer({ output, usage: output, error: null })).not.toThrow()
    expect(
      readAnswer({ output: [{ type: 'function_call', name: 'f', arguments: { a: 1 } }] }).choices[0]?.blocks,
    ).toMatchObject([{ id: 'call_r1_0', input: '{"a":1}' }])
  })
})

describe('writing a whole answer', () => {
  it('equals the response at the end of its stream, with all required fields', () => {
    const written: unknown = JSON.parse(
      openaiResponses.writeAnswer(
        {
          model: 'up-1',
          choices: [
            {
              blocks: [
                { type: 'text', text: 'Hi' },
                { type: 'tool-call', id: 'c1', name: 'f', input: '' },
              ],
              finish: { reason: 'tool-calls' },
            },
          ],
        },
        answerContext(),
      ),
    )
    expect(written).toMatchObject({
      id: 'resp_a1',
      object: 'response',
      created_at: 7,
      status: 'completed',
      model: 'up-1',
      error: null,
      incomplete_details: null,
      instructions: null,
      metadata: {},
      parallel_tool_calls: true,
      temperature: 1,
      top_p: 1,
      tools: [],
      tool_choice: 'auto',
      access_programs: null,
      output: [
        {
          id: 'msg_a1_0',
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: 'Hi', annotations: [], logprobs: [] }],
        },
        { id: 'fc_a1_1', type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}', status: 'completed' },
      ],
      usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0 },
    })
  })

  it('names the requested model if the provider named none', () => {
    const text = openaiResponses.writeAnswer({ choices: [] }, answerContext())
    expect(JSON.parse(text)).toMatchObject({ model: 'asked', output: [] })
  })
})
