import { describe, expect, it } from 'vitest'
import type { ChatAnswer, Finish } from '../../../src/chat/answer.js'
import type { Block } from '../../../src/chat/blocks.js'
import { wrapSignature } from '../../../src/chat/signatures.js'
import { RelayError } from '../../../src/errors.js'
import { openaiChat } from '../../../src/protocols/openai-chat/index.js'
import { answerContext, readFields, toBytes } from './chat-fixtures.js'

const read = (value: unknown): ChatAnswer => openaiChat.readAnswer(toBytes(value), { id: 'r1' })
const choice = (message: unknown, finish: unknown = 'stop'): object => ({
  id: 'c1',
  model: 'real',
  choices: [{ index: 0, message, finish_reason: finish }],
})
const readBlocks = (message: unknown): readonly Block[] | undefined => read(choice(message)).choices[0]?.blocks
const write = (answer: Partial<ChatAnswer>, context = answerContext()): Record<string, never> =>
  JSON.parse(openaiChat.writeAnswer({ choices: [], ...answer }, context))
const writtenChoice = (
  blocks: Block[],
  finish: Finish = { reason: 'stop' },
  context = answerContext(),
): Record<string, unknown> => {
  const { choices } = write({ choices: [{ blocks, finish }] }, context) as unknown as {
    choices: [Record<string, unknown>]
  }
  return { ...(choices[0].message as object), finish: choices[0].finish_reason }
}

describe('reading an answer', () => {
  it.each<[string, unknown, unknown[]]>([
    ['text', { content: 'a' }, [{ type: 'text', text: 'a' }]],
    ['nothing', { content: null }, []],
    ['reasoning_content', { reasoning_content: 'r', content: 'a' }, [{ type: 'reasoning', text: 'r' }, { text: 'a' }]],
    ['reasoning', { reasoning: 'r', content: '' }, [{ type: 'reasoning', text: 'r' }]],
    [
      "Mistral's list",
      {
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'r' }] },
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      [
        { type: 'reasoning', text: 'r' },
        { type: 'text', text: 'ab' },
      ],
    ],
    [
      'OpenRouter’s reasoning_details, each with its own signature, and reasoning after them',
      {
        reasoning: 'abc',
        reasoning_details: [
          { type: 'reasoning.text', index: 0, text: 'a', signature: 's0' },
          { type: 'reasoning.text', index: 1, text: 'b', signature: 's1' },
        ],
      },
      [
        { type: 'reasoning', text: 'a', signature: { value: expect.stringContaining('s0') } },
        { type: 'reasoning', text: 'b', signature: { value: expect.stringContaining('s1') } },
        { type: 'reasoning', text: 'c' },
      ],
    ],
    ['a refusal', { content: null, refusal: 'no' }, [{ type: 'refusal', text: 'no' }]],
    [
      'images',
      { content: '', images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } }] },
      [{ type: 'media', kind: 'image', source: { type: 'bytes', data: 'AA' } }],
    ],
    [
      'audio',
      { content: null, audio: { id: 'a', data: 'AA', expires_at: 1, transcript: 't' } },
      [{ kind: 'audio', native: { fields: { id: 'a', transcript: 't' } } }],
    ],
    [
      'a function_call, which has no id',
      { content: null, function_call: { name: 'f', arguments: '{}' } },
      [{ type: 'tool-call', id: 'call_r1_0', name: 'f', input: '{}' }],
    ],
    [
      'an object as arguments, as Ollama sends it',
      { tool_calls: [{ id: '', function: { name: 'f', arguments: { a: 1 } } }] },
      [{ id: 'call_r1_0', input: '{"a":1}' }],
    ],
    [
      'a freeform call',
      { tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'p', input: 'x' } }] },
      [{ freeform: true, input: 'x' }],
    ],
  ])('%s', (_name, message, expected) => {
    const blocks = readBlocks(message)
    expect(blocks).toMatchObject(expected)
    expect(blocks).toHaveLength(expected.length)
  })

  it('converts positions of citations from characters to UTF-16 units', () => {
    const annotations = [{ type: 'url_citation', url_citation: { start_index: 1, end_index: 2, title: 't', url: 'u' } }]
    expect(readBlocks({ content: '😀😀', annotations })).toMatchObject([
      { citations: [{ start: 2, end: 4, title: 't', url: 'u' }] },
    ])
  })

  it.each<[unknown, unknown, string]>([
    ['HC-074: stop after calls', choice({ tool_calls: [{ id: 'a', function: { name: 'f' } }] }, 'stop'), 'tool-calls'],
    ['calls', choice({ tool_calls: [{ id: 'a', function: { name: 'f' } }] }, 'tool_calls'), 'tool-calls'],
    ['tool_calls without calls', choice({ content: 'a' }, 'tool_calls'), 'stop'],
    ['length after calls', choice({ tool_calls: [{ id: 'a', function: { name: 'f' } }] }, 'length'), 'length'],
    ['a full context window', choice({ content: 'a' }, 'model_length'), 'context'],
    ['a filter', choice({ content: '' }, 'content_filter'), 'filter'],
    ['a refusal', choice({ refusal: 'no' }, 'content_filter'), 'refusal'],
    ['nothing', choice({ content: 'a' }, null), 'stop'],
  ])('%s', (_name, answer, reason) => expect(read(answer).choices[0]?.finish.reason).toBe(reason))

  it('HC-085, HC-084, HC-116: finds usage in the choice and in x_groq, adds reasoning where the total includes it, and skips blank lines', () => {
    const usage = {
      prompt_tokens: 10,
      completion_tokens: 2,
      total_tokens: 15,
      completion_tokens_details: { reasoning_tokens: 3 },
    }
    const body = `\n\n\n${JSON.stringify({ choices: [{ message: { content: 'a' }, usage }] })}`
    expect(read(body).usage).toMatchObject({ input: 10, output: 5, reasoning: 3 })
    const groq = {
      choices: [{ message: { content: 'a' } }],
      x_groq: { usage: { prompt_tokens: 1, prompt_cache_hit_tokens: 1 } },
    }
    expect(read(groq).usage).toMatchObject({ input: 1, cachedInput: 1 })
  })

  it.each<[string, unknown, object]>([
    ['HC-093: an error under 200', { error: { message: 'Provider returned error', code: 429 } }, { status: 429 }],
    [
      'an error of a choice',
      { choices: [{ error: { message: 'late', code: 504 }, message: { content: '' } }] },
      { status: 504, message: 'late' },
    ],
    ['HC-092: finish_reason error', choice({ content: '' }, 'error'), {}],
    [
      "DeepSeek's finish_reason insufficient_system_resource",
      choice({ content: 'a' }, 'insufficient_system_resource'),
      {},
    ],
    ["vLLM's flat error", { object: 'error', message: 'too long', code: 400 }, { status: 400, message: 'too long' }],
    ['HC-097: an empty body', '', { message: 'The provider sent an empty answer.' }],
    ['null', 'null', {}],
    ['HC-098: an HTML page', '<html></html>', { message: 'The provider sent an answer that is not JSON.' }],
    ['no choices', { choices: [] }, { message: 'The provider sent an answer without choices.' }],
    ['choices without a message', { choices: [{ finish_reason: 'stop' }] }, {}],
    ['choices that are not a list', { choices: 'x' }, {}],
  ])('reads %s as an error', (_name, value, expected) => {
    expect(read(value).choices).toEqual([])
    expect(read(value).upstreamError).toMatchObject(expected)
  })
})

describe('writing an answer', () => {
  it('writes every field that OpenAI’s types require', () => {
    const usage = { input: 2559, cachedInput: 2455, cacheWriteInput: 100, output: 34, reasoning: 4 }
    expect(
      write({ model: 'real', choices: [{ blocks: [{ type: 'text', text: 'a' }], finish: { reason: 'stop' } }], usage }),
    ).toEqual({
      id: 'chatcmpl-id1',
      object: 'chat.completion',
      created: 1_700_000_000,
      model: 'real',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'a', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      // HC-080
      usage: {
        prompt_tokens: 2559,
        completion_tokens: 34,
        total_tokens: 2593,
        prompt_tokens_details: { cached_tokens: 2455, cache_write_tokens: 100, audio_tokens: 0 },
        completion_tokens_details: {
          reasoning_tokens: 4,
          audio_tokens: 0,
          accepted_prediction_tokens: 0,
          rejected_prediction_tokens: 0,
        },
      },
    })
  })

  it.each<[Finish['reason'], string]>([
    ['stop', 'stop'],
    ['pause', 'stop'],
    ['length', 'length'],
    ['context', 'length'],
    ['tool-calls', 'tool_calls'],
    ['filter', 'content_filter'],
    ['refusal', 'content_filter'],
  ])('HC-077: writes the reason %s as %s', (reason, expected) =>
    expect(writtenChoice([], { reason }).finish).toBe(expected),
  )

  it('HC-077: writes the provider’s explanation of a refusal', () => {
    expect(writtenChoice([], { reason: 'refusal', explanation: 'cyber' })).toMatchObject({
      content: null,
      refusal: 'cyber',
    })
  })

  it('HC-050: writes encrypted reasoning as a detail only, and visible reasoning with its signature', () => {
    const signature = { protocol: 'anthropic-messages', value: 'EmwK' }
    expect(
      writtenChoice([
        { type: 'reasoning', text: '', signature },
        { type: 'reasoning', text: 'a' },
        { type: 'reasoning', text: 'b', signature },
        { type: 'text', text: 'x' },
      ]),
    ).toMatchObject({
      content: 'x',
      reasoning_content: 'ab',
      reasoning_details: [
        { type: 'reasoning.encrypted', data: wrapSignature(signature, 'here'), index: 0 },
        { type: 'reasoning.text', text: 'ab', signature: wrapSignature(signature, 'here'), index: 1 },
      ],
    })
  })

  it('HC-041: writes Google’s signature of a call unchanged', () => {
    const signature = { protocol: 'gemini', value: 'U0lH' }
    expect(writtenChoice([{ type: 'tool-call', id: 'c', name: 'ls', input: '', signature }])).toMatchObject({
      content: null,
      tool_calls: [
        {
          id: 'c',
          type: 'function',
          function: { name: 'ls', arguments: '{}' },
          extra_content: { google: { thought_signature: 'U0lH' } },
        },
      ],
    })
  })

  it('HC-076: counts positions of citations in characters of the whole text', () => {
    const citedBlock: Block = {
      type: 'text',
      text: '日本です',
      citations: [{ url: 'u', title: 't', start: 2, end: 4 }, { quote: 'q' }],
    }
    const context = answerContext()
    expect(writtenChoice([{ type: 'text', text: '😀' }, citedBlock], undefined, context).annotations).toEqual([
      { type: 'url_citation', url_citation: { start_index: 3, end_index: 5, url: 'u', title: 't' } },
    ])
    expect(context.losses.list.map(({ path }) => path)).toEqual(['content[1].citations'])
  })

  it('writes images and audio, and records a loss for video', () => {
    const context = answerContext()
    const media = (kind: 'image' | 'audio' | 'video', data: string): Block => ({
      type: 'media',
      kind,
      source: { type: 'bytes', data },
    })
    const message = writtenChoice(
      [media('image', 'iVBORw0KGgo='), media('audio', 'AA'), media('video', 'AA')],
      undefined,
      context,
    )
    expect(message).toMatchObject({
      images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }],
      audio: { id: 'audio_id1', data: 'AA', transcript: '' },
    })
    expect(context.losses.list.map(({ path }) => path)).toEqual(['content[2]'])
  })

  it('answers a request with functions by function_call', () => {
    const request = readFields({ functions: [{ name: 'f' }] })
    const call: Block = { type: 'tool-call', id: 'c', name: 'f', input: '{"a":1}' }
    expect(writtenChoice([call], { reason: 'tool-calls' }, answerContext(request))).toMatchObject({
      function_call: { name: 'f', arguments: '{"a":1}' },
      finish: 'function_call',
    })
  })

  it('answers a request with functions by one call, and records the others as losses', () => {
    const request = readFields({ functions: [{ name: 'f' }] })
    expect(request.parallelToolCalls).toBe(false)
    const context = answerContext(request)
    const calls = ['a', 'b'].map((id): Block => ({ type: 'tool-call', id, name: 'f', input: '{}' }))
    writtenChoice(calls, { reason: 'tool-calls' }, context)
    expect(context.losses.list.map(({ path }) => path)).toEqual(['content[1]'])
  })

  it('HC-033: keeps the order of several choices', () => {
    const choiceWith = (text: string): ChatAnswer['choices'][number] => ({
      blocks: [{ type: 'text', text }],
      finish: { reason: 'stop' },
    })
    expect(write({ choices: [choiceWith('a'), choiceWith('b')] }).choices).toMatchObject([
      { index: 0, message: { content: 'a' } },
      { index: 1, message: { content: 'b' } },
    ])
  })
})

it('HC-108: writes an error with the relay’s status in OpenAI’s format', () => {
  const error = new RelayError('upstream_busy', 'busy')
  expect(openaiChat.statusOf(error)).toBe(503)
  expect(JSON.parse(openaiChat.writeError(error, 'q').toString())).toEqual({
    error: { message: 'busy', type: 'server_error', param: null, code: 'overloaded' },
  })
})
