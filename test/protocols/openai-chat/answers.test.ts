import { describe, expect, it } from 'vitest'
import type { ChatAnswer, Finish } from '../../../src/chat/answer.js'
import type { Block } from '../../../src/chat/blocks.js'
import { wrapSignature } from '../../../src/chat/signatures.js'
import { RelayError } from '../../../src/errors.js'
import { openaiChat } from '../../../src/protocols/openai-chat/index.js'
import { answering, bytes, readFields } from './kit.js'

const read = (value: unknown): ChatAnswer => openaiChat.readAnswer(bytes(value), { id: 'r1' })
const choice = (message: unknown, finish: unknown = 'stop'): object => ({
  id: 'c1',
  model: 'real',
  choices: [{ index: 0, message, finish_reason: finish }],
})
const blocks = (message: unknown): readonly Block[] | undefined => read(choice(message)).choices[0]?.blocks
const write = (answer: Partial<ChatAnswer>, to = answering()): Record<string, never> =>
  JSON.parse(openaiChat.writeAnswer({ choices: [], ...answer }, to))
const written = (list: Block[], finish: Finish = { reason: 'stop' }, to = answering()): Record<string, unknown> => {
  const { choices } = write({ choices: [{ blocks: list, finish }] }, to) as unknown as {
    choices: [Record<string, unknown>]
  }
  return { ...(choices[0].message as object), finish: choices[0].finish_reason }
}

describe('an answer is read', () => {
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
      'OpenRouter’s details, each with its own proof, and words after them',
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
      'sound',
      { content: null, audio: { id: 'a', data: 'AA', expires_at: 1, transcript: 't' } },
      [{ kind: 'audio', native: { fields: { id: 'a', transcript: 't' } } }],
    ],
    [
      'a call of the old kind, without id',
      { content: null, function_call: { name: 'f', arguments: '{}' } },
      [{ type: 'tool-call', id: 'call_r1_0', name: 'f', input: '{}' }],
    ],
    [
      "an object for arguments, Ollama's way",
      { tool_calls: [{ id: '', function: { name: 'f', arguments: { a: 1 } } }] },
      [{ id: 'call_r1_0', input: '{"a":1}' }],
    ],
    [
      'a freeform call',
      { tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'p', input: 'x' } }] },
      [{ freeform: true, input: 'x' }],
    ],
  ])('%s', (_name, message, expected) => {
    const found = blocks(message)
    expect(found).toMatchObject(expected)
    expect(found).toHaveLength(expected.length)
  })

  it('citations are counted in characters', () => {
    const annotations = [{ type: 'url_citation', url_citation: { start_index: 1, end_index: 2, title: 't', url: 'u' } }]
    expect(blocks({ content: '😀😀', annotations })).toMatchObject([
      { citations: [{ start: 2, end: 4, title: 't', url: 'u' }] },
    ])
  })

  it.each<[unknown, unknown, string]>([
    ['HC-074: stop after calls', choice({ tool_calls: [{ id: 'a', function: { name: 'f' } }] }, 'stop'), 'tool-calls'],
    ['calls', choice({ tool_calls: [{ id: 'a', function: { name: 'f' } }] }, 'tool_calls'), 'tool-calls'],
    ['calls that are not there', choice({ content: 'a' }, 'tool_calls'), 'stop'],
    ['length after calls', choice({ tool_calls: [{ id: 'a', function: { name: 'f' } }] }, 'length'), 'length'],
    ['a full window', choice({ content: 'a' }, 'model_length'), 'context'],
    ['a filter', choice({ content: '' }, 'content_filter'), 'filter'],
    ['a refusal', choice({ refusal: 'no' }, 'content_filter'), 'refusal'],
    ['nothing', choice({ content: 'a' }, null), 'stop'],
  ])('%s', (_name, answer, reason) => expect(read(answer).choices[0]?.finish.reason).toBe(reason))

  it('HC-085, HC-084, HC-116: usage in odd places, by odd rules, after blank lines', () => {
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
    ['HC-092: a broken finish', choice({ content: '' }, 'error'), {}],
    ["DeepSeek's broken finish", choice({ content: 'a' }, 'insufficient_system_resource'), {}],
    ["vLLM's flat error", { object: 'error', message: 'too long', code: 400 }, { status: 400, message: 'too long' }],
    ['HC-097: nothing', '', { message: 'The provider sent an empty answer.' }],
    ['null', 'null', {}],
    ['HC-098: a page', '<html></html>', { message: 'The provider sent an answer that is not JSON.' }],
    ['no choices', { choices: [] }, { message: 'The provider sent an answer without choices.' }],
    ['choices of nothing', { choices: [{ finish_reason: 'stop' }] }, {}],
    ['choices that are none', { choices: 'x' }, {}],
  ])('%s is a fault', (_name, value, expected) => {
    expect(read(value).choices).toEqual([])
    expect(read(value).upstreamError).toMatchObject(expected)
  })
})

describe('an answer is written', () => {
  it('with all that the types require', () => {
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
  ])('HC-077: %s as %s', (reason, word) => expect(written([], { reason }).finish).toBe(word))

  it('HC-077: a refusal is told in its provider’s words', () => {
    expect(written([], { reason: 'refusal', explanation: 'cyber' })).toMatchObject({ content: null, refusal: 'cyber' })
  })

  it('HC-050: hidden reasoning is carried, not shown; what is shown keeps its proof', () => {
    const signature = { protocol: 'anthropic-messages', value: 'EmwK' }
    expect(
      written([
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

  it('HC-041: calls, with the signature of Google as it was issued', () => {
    const signature = { protocol: 'gemini', value: 'U0lH' }
    expect(written([{ type: 'tool-call', id: 'c', name: 'ls', input: '', signature }])).toMatchObject({
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

  it('HC-076: citations by characters of all the text', () => {
    const cited: Block = {
      type: 'text',
      text: '日本です',
      citations: [{ url: 'u', title: 't', start: 2, end: 4 }, { quote: 'q' }],
    }
    const to = answering()
    expect(written([{ type: 'text', text: '😀' }, cited], undefined, to).annotations).toEqual([
      { type: 'url_citation', url_citation: { start_index: 3, end_index: 5, url: 'u', title: 't' } },
    ])
    expect(to.losses.list.map(({ path }) => path)).toEqual(['content[1].citations'])
  })

  it('images and sound; what has no word is told', () => {
    const to = answering()
    const media = (kind: 'image' | 'audio' | 'video', data: string): Block => ({
      type: 'media',
      kind,
      source: { type: 'bytes', data },
    })
    const message = written([media('image', 'iVBORw0KGgo='), media('audio', 'AA'), media('video', 'AA')], undefined, to)
    expect(message).toMatchObject({
      images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }],
      audio: { id: 'audio_id1', data: 'AA', transcript: '' },
    })
    expect(to.losses.list.map(({ path }) => path)).toEqual(['content[2]'])
  })

  it('who asks with functions of the old kind is answered so', () => {
    const request = readFields({ functions: [{ name: 'f' }] })
    const call: Block = { type: 'tool-call', id: 'c', name: 'f', input: '{"a":1}' }
    expect(written([call], { reason: 'tool-calls' }, answering(request))).toMatchObject({
      function_call: { name: 'f', arguments: '{"a":1}' },
      finish: 'function_call',
    })
  })

  it('who asks with functions of the old kind gets one call; what cannot be told is a loss', () => {
    const request = readFields({ functions: [{ name: 'f' }] })
    expect(request.parallelToolCalls).toBe(false)
    const to = answering(request)
    const calls = ['a', 'b'].map((id): Block => ({ type: 'tool-call', id, name: 'f', input: '{}' }))
    written(calls, { reason: 'tool-calls' }, to)
    expect(to.losses.list.map(({ path }) => path)).toEqual(['content[1]'])
  })

  it('HC-033: several choices keep their places', () => {
    const one = (text: string): ChatAnswer['choices'][number] => ({
      blocks: [{ type: 'text', text }],
      finish: { reason: 'stop' },
    })
    expect(write({ choices: [one('a'), one('b')] }).choices).toMatchObject([
      { index: 0, message: { content: 'a' } },
      { index: 1, message: { content: 'b' } },
    ])
  })
})

it('HC-108: an error keeps the status of the relay, in OpenAI’s shape', () => {
  const error = new RelayError('upstream_busy', 'busy')
  expect(openaiChat.statusOf(error)).toBe(503)
  expect(JSON.parse(openaiChat.writeError(error, 'q').toString())).toEqual({
    error: { message: 'busy', type: 'server_error', param: null, code: 'overloaded' },
  })
})
