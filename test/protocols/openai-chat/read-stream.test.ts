import { describe, expect, it } from 'vitest'
import type { ChatAnswer } from '../../../src/chat/answer.js'
import { readRecords, type SseRecord } from '../../../src/lib/sse.js'
import { openaiChat } from '../../../src/protocols/openai-chat/index.js'
import { collectAnswer, delta, readStream, sseRecords } from './chat-fixtures.js'

const done = '[DONE]'
const stopChunk = delta({}, { finish_reason: 'stop' })
const readAnswer = (...values: unknown[]): ChatAnswer => collectAnswer(readStream(sseRecords(...values)))
const readBlocks = (...values: unknown[]): unknown => readAnswer(...values, stopChunk, done).choices[0]?.blocks
const toolCalls = (...list: unknown[]): object => delta({ tool_calls: list })
const callDelta = (index: unknown, id: unknown, name: unknown, args?: unknown): object => ({
  index,
  id,
  function: { name, arguments: args },
})

describe('several choices', () => {
  const lastChunk = (index: number): object => ({
    choices: [{ index, delta: { content: 'a' }, finish_reason: 'stop' }],
  })
  const recordsOf = (...values: object[]): SseRecord[] =>
    values.map((value) => ({ event: undefined, data: JSON.stringify(value) }))

  it('makes a stream complete when every choice so far has finished', () => {
    const reader = openaiChat.readStream({ id: 'r1' })
    const firstChunk = { choices: [{ index: 1, delta: { content: 'b' } }] }
    const states = recordsOf(firstChunk, lastChunk(0), lastChunk(1)).map((record) => {
      reader.read(record, () => undefined)
      return reader.state
    })
    expect(states).toEqual(['open', 'open', 'complete'])
  })

  it('makes an ending complete when every choice in the last records has finished', () => {
    const firstChunk = { choices: [{ index: 1, delta: { content: 'b' } }] }
    const ending = (...values: object[]): boolean => openaiChat.readEnding(recordsOf(...values)).complete
    expect(ending(firstChunk, lastChunk(0))).toBe(false)
    expect(ending(firstChunk, lastChunk(0), lastChunk(1))).toBe(true)
  })
})

describe('text, reasoning and refusals', () => {
  it('HC-048: opens one block after another, and none for empty text', () => {
    expect(
      readBlocks(
        delta({ role: 'assistant', content: '' }),
        delta({ reasoning_content: 'a' }),
        delta({ content: '' }),
        delta({ content: 'b', reasoning_content: null }),
        delta({ reasoning: 'c' }),
        toolCalls(callDelta(0, 'x', 'f', '{}')),
      ),
    ).toMatchObject([
      { type: 'reasoning', text: 'a' },
      { type: 'text', text: 'b' },
      { type: 'reasoning', text: 'c' },
      { type: 'tool-call', id: 'x', name: 'f', input: '{}' },
    ])
  })

  it('reads a refusal in the content', () => {
    const answer = readAnswer(delta({ content: [{ type: 'refusal', refusal: 'no' }] }), stopChunk, done)
    expect(answer.choices[0]).toMatchObject({
      blocks: [{ type: 'refusal', text: 'no' }],
      finish: { reason: 'refusal' },
    })
  })

  it('OpenRouter’s reasoning_details: emits the text once, and every signature', () => {
    const detail = (more: object): object => ({
      type: 'reasoning.text',
      index: 0,
      format: 'anthropic-claude-v1',
      ...more,
    })
    expect(
      readBlocks(
        delta({ reasoning: 'a', reasoning_details: [detail({ text: 'a' })] }),
        delta({ reasoning: 'b', reasoning_details: [detail({ text: 'b' })] }),
        delta({ reasoning_details: [detail({ signature: 'sig' })] }),
        delta({ reasoning_details: [{ type: 'reasoning.encrypted', data: 'x', id: 'rs_1', index: 1 }] }),
        delta({ content: 'c' }),
      ),
    ).toEqual([
      {
        type: 'reasoning',
        text: 'ab',
        signature: { protocol: 'openai-chat', value: JSON.stringify(detail({ signature: 'sig' })) },
      },
      { type: 'reasoning', text: '', signature: { protocol: 'openai-chat', value: expect.stringContaining('"rs_1"') } },
      { type: 'text', text: 'c' },
    ])
  })

  it('reads Mistral’s thinking, images, refusals, audio and signed text', () => {
    expect(
      readBlocks(
        delta({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'r' }] }] }),
        delta({ content: [{ type: 'text', text: 'a' }] }),
        delta({ extra_content: { google: { thought_signature: 't' } } }),
        delta({ images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } }] }),
        delta({ audio: { id: 'a', data: 'AAAA', transcript: 'x' } }),
        delta({ audio: { data: 'BBBB', transcript: 'y' } }),
        delta({ refusal: 'no' }),
      ),
    ).toMatchObject([
      { type: 'reasoning', text: 'r' },
      { type: 'text', text: 'a', signature: { protocol: 'gemini', value: 't' } },
      { kind: 'image' },
      { type: 'refusal', text: 'no' },
      { kind: 'audio', source: { data: 'AAAABBBB' }, native: { fields: { transcript: 'xy' } } },
    ])
  })

  it('HC-042: keeps a signature without text', () => {
    expect(readBlocks(delta({ content: '', extra_content: { google: { thought_signature: 't' } } }))).toMatchObject([
      { type: 'text', text: '', signature: { value: 't' } },
    ])
  })

  it('converts positions of citations from characters to UTF-16 units', () => {
    const annotations = [{ type: 'url_citation', url_citation: { start_index: 1, end_index: 2, title: 't', url: 'u' } }]
    expect(readBlocks(delta({ content: '😀' }), delta({ content: '😀' }), delta({ annotations }))).toMatchObject([
      { text: '😀😀', citations: [{ start: 2, end: 4 }] },
    ])
  })
})

describe('calls', () => {
  const two = [
    { id: 'a', name: 'f', input: '{"a":1}' },
    { id: 'b', name: 'g', input: '{"b":2}' },
  ]

  it.each<[string, unknown[], unknown[]]>([
    [
      'HC-056: interleaved',
      [
        toolCalls(callDelta(0, 'a', 'f', '')),
        toolCalls(callDelta(1, 'b', 'g')),
        toolCalls(callDelta(0, undefined, null, '{"a"')),
        toolCalls(callDelta(1, null, undefined, '{"b"')),
        toolCalls(callDelta(0, '', '', ':1}'), callDelta(1, '', '', ':2}')),
      ],
      two,
    ],
    [
      'HC-054: index 0 for all',
      [toolCalls(callDelta(0, 'a', 'f', '{"a":1}')), toolCalls(callDelta(0, 'b', 'g', '{"b":2}'))],
      two,
    ],
    [
      'no index',
      [
        toolCalls(
          { ...callDelta(0, 'a', 'f', '{"a":1}'), index: undefined },
          { ...callDelta(0, 'b', 'g', '{"b"'), index: undefined },
        ),
        toolCalls({ function: { arguments: ':2}' } }),
      ],
      two,
    ],
    [
      'no index, no id',
      [
        toolCalls({ function: { name: 'f', arguments: '{}' } }),
        toolCalls({ function: { name: 'f', arguments: '{}' } }),
      ],
      [
        { id: 'call_r1_0', name: 'f', input: '{}' },
        { id: 'call_r1_1', name: 'f', input: '{}' },
      ],
    ],
    [
      'the name in every delta',
      [
        toolCalls(callDelta(0, 'a', 'f', '{"a"')),
        toolCalls(callDelta(0, 'a', 'f', ':1}')),
        toolCalls(callDelta(1, '', 'g', '{"b"')),
        toolCalls(callDelta(1, '', 'g', ':2}')),
      ],
      [two[0], { id: 'call_r1_0', name: 'g', input: '{"b":2}' }],
    ],
    [
      'a name in a later delta',
      [toolCalls(callDelta(0, 'a', undefined, '{"a"')), toolCalls(callDelta(0, undefined, 'f', ':1}'))],
      [two[0]],
    ],
    [
      'gaps in the index',
      [toolCalls(callDelta(3, 'a', 'f', '{"a":1}')), toolCalls(callDelta(7, 'b', 'g', '{"b":2}'))],
      two,
    ],
    ['an object as arguments', [toolCalls(callDelta(0, 'a', 'f', { a: 1 }))], [two[0]]],
    [
      'function_call',
      [delta({ function_call: { name: 'f', arguments: '' } }), delta({ function_call: { arguments: '{}' } })],
      [{ name: 'f', input: '{}' }],
    ],
    [
      'a whole message',
      [
        {
          choices: [
            { index: 0, message: { tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{"a":1}' } }] } },
          ],
        },
      ],
      [two[0]],
    ],
  ])('%s', (_name, values, expected) => {
    const blocks = readBlocks(...values) as unknown[]
    expect(blocks).toMatchObject(expected)
    expect(blocks).toHaveLength(expected.length)
    expect(readAnswer(...values, stopChunk).choices[0]?.finish.reason).toBe('tool-calls')
  })

  it('HC-041: keeps the signature of the first of parallel calls there', () => {
    const signed = { ...callDelta(0, 'a', 'f', '{}'), extra_content: { google: { thought_signature: 's' } } }
    const blocks = readBlocks(toolCalls(signed), toolCalls(callDelta(1, 'b', 'g', '{}'))) as { signature?: unknown }[]
    expect(blocks.map(({ signature }) => signature)).toEqual([{ protocol: 'gemini', value: 's' }, undefined])
  })
})

describe('the stream', () => {
  it('HC-072: Azure’s filter results neither start the answer nor open a block', () => {
    const events = readStream(
      sseRecords(
        { choices: [], created: 0, id: '', model: '', prompt_filter_results: [] },
        delta({ role: 'assistant', content: '' }),
        {
          id: '',
          choices: [{ index: 0, finish_reason: null, content_filter_results: {}, content_filter_offsets: {} }],
        },
        delta({ content: 'a' }),
        stopChunk,
        done,
      ),
    )
    expect(events.map(({ type }) => type)).toEqual(['start', 'block', 'delta', 'stop', 'finish'])
    expect(events[0]).toMatchObject({ id: 'c1', model: 'real' })
  })

  it('HC-073: accepts a missing finish_reason and a null delta', () => {
    expect(
      readAnswer(
        { choices: [{ index: 0, delta: { content: 'x' } }] },
        { choices: [{ index: 0, delta: null, finish_reason: 'stop' }] },
      ),
    ).toMatchObject({
      choices: [{ blocks: [{ text: 'x' }], finish: { reason: 'stop' } }],
    })
  })

  it.each<[string, unknown[]]>([
    [
      'on every chunk',
      [
        { ...delta({ content: 'a' }), usage: { prompt_tokens: 5, completion_tokens: 1 } },
        { ...stopChunk, usage: { prompt_tokens: 5, completion_tokens: 2 } },
      ],
    ],
    [
      'in x_groq',
      [delta({ content: 'a' }), { ...stopChunk, x_groq: { usage: { prompt_tokens: 5, completion_tokens: 2 } } }],
    ],
    [
      'in the choice',
      [
        delta({ content: 'a' }),
        delta({}, { finish_reason: 'stop', usage: { prompt_tokens: 5, completion_tokens: 2 } }),
      ],
    ],
    [
      'in a chunk of its own',
      [delta({ content: 'a' }), stopChunk, { choices: [], usage: { prompt_tokens: 5, completion_tokens: 2 } }],
    ],
  ])('HC-085: usage %s', (_name, values) =>
    expect(readAnswer(...values, done).usage).toMatchObject({ input: 5, output: 2 }),
  )

  it('HC-117: the first [DONE] ends the stream', () => {
    const reader = openaiChat.readStream({ id: 'r' })
    const states = readRecords(
      Buffer.from(sseRecords(delta({ content: 'a' }), stopChunk, ' [DONE] ', 'nonsense', done)),
    ).map((record) => {
      reader.read(record, () => undefined)
      return reader.state
    })
    expect(states).toEqual(['open', 'complete', 'over', 'over', 'over'])
  })

  it('[DONE] without a finish_reason closes open blocks', () => {
    expect(readAnswer(delta({ content: 'a' }), done).choices).toMatchObject([{ finish: { reason: 'stop' } }])
  })

  it('HC-096: stays open without [DONE] and finish_reason', () => {
    const reader = openaiChat.readStream({ id: 'r' })
    for (const record of readRecords(Buffer.from(sseRecords(delta({ content: 'a' })))))
      reader.read(record, () => undefined)
    expect(reader.state).toBe('open')
  })

  it('reads interleaved choices', () => {
    const at = (index: number, value: object, finish: string | null = null): object => ({
      choices: [{ index, delta: value, finish_reason: finish }],
    })
    const events = readStream(
      sseRecords(at(1, { content: 'b' }), at(0, { content: 'a' }), at(1, {}, 'length'), at(0, {}, 'stop'), done),
    )
    expect(collectAnswer(events).choices).toMatchObject([
      { blocks: [{ text: 'a' }], finish: { reason: 'stop' } },
      { blocks: [{ text: 'b' }], finish: { reason: 'length' } },
    ])
  })

  it.each<[string, unknown[], object]>([
    ['HC-118: broken JSON', [delta({ content: 'a' }), '{"choices":[{"delta"'], {}],
    ['an error', [delta({ content: 'a' }), { error: { message: 'x', code: 502 } }], { status: 502, message: 'x' }],
    ['an error as the first chunk', [{ error: 'overloaded' }], { message: 'overloaded' }],
    ['Groq’s error', [{ x_groq: { error: 'slow down' } }], { message: 'slow down' }],
    [
      'HC-092: finish_reason error',
      [delta({ content: '' }, { finish_reason: 'error', native_finish_reason: 'network_error' })],
      {},
    ],
    ['[DONE] without an answer', [done], { message: 'The provider sent an empty answer.' }],
    ['an error without a message', [{ error: {} }], {}],
  ])('%s ends the stream with an error', (_name, values, expected) => {
    expect(readStream(sseRecords(...values, delta({ content: 'z' }), stopChunk, done)).at(-1)).toMatchObject({
      type: 'error',
      upstreamError: expected,
    })
  })

  it('ignores keep-alive records', () => {
    expect(readBlocks(':keepalive', delta({ content: 'a' }))).toMatchObject([{ text: 'a' }])
  })

  it.each([
    [{ choices: [null, 1, 'x', []] }],
    [{ choices: [{ index: 1e9, delta: { content: 'a' } }] }],
    [
      {
        choices: [
          { delta: { content: 5, tool_calls: [null, 3, {}], reasoning_details: [null, {}], images: [null], audio: 3 } },
        ],
      },
    ],
    [{ choices: { 0: 1 } }],
    [{ id: {}, model: [], choices: [{ index: -1, delta: [] }] }],
  ])('HC-032: does not throw for %j', (value) =>
    expect(() => readStream(sseRecords(value, stopChunk, done))).not.toThrow(),
  )
})
