import { describe, expect, it } from 'vitest'
import type { ChatAnswer } from '../../../src/chat/answer.js'
import { readRecords, type SseRecord } from '../../../src/lib/sse.js'
import { openaiChat } from '../../../src/protocols/openai-chat/index.js'
import { delta, fold, readStream, records } from './kit.js'

const done = '[DONE]'
const stop = delta({}, { finish_reason: 'stop' })
const read = (...values: unknown[]): ChatAnswer => fold(readStream(records(...values)))
const blocks = (...values: unknown[]): unknown => read(...values, stop, done).choices[0]?.blocks
const calls = (...list: unknown[]): object => delta({ tool_calls: list })
const piece = (index: unknown, id: unknown, name: unknown, args?: unknown): object => ({
  index,
  id,
  function: { name, arguments: args },
})

describe('several choices', () => {
  const end = (index: number): object => ({ choices: [{ index, delta: { content: 'a' }, finish_reason: 'stop' }] })
  const recordsOf = (...values: object[]): SseRecord[] =>
    values.map((value) => ({ event: undefined, data: JSON.stringify(value) }))

  it('are complete when all that have been seen have finished', () => {
    const reader = openaiChat.readStream({ id: 'r1' })
    const begun = { choices: [{ index: 1, delta: { content: 'b' } }] }
    const states = recordsOf(begun, end(0), end(1)).map((record) => {
      reader.read(record, () => undefined)
      return reader.state
    })
    expect(states).toEqual(['open', 'open', 'complete'])
  })

  it('end when each that the last records show has finished', () => {
    const begun = { choices: [{ index: 1, delta: { content: 'b' } }] }
    const ending = (...values: object[]): boolean => openaiChat.readEnding(recordsOf(...values)).complete
    expect(ending(begun, end(0))).toBe(false)
    expect(ending(begun, end(0), end(1))).toBe(true)
  })
})

describe('prose', () => {
  it('HC-048: one block after another, in the order of the words; empty words open none', () => {
    expect(
      blocks(
        delta({ role: 'assistant', content: '' }),
        delta({ reasoning_content: 'a' }),
        delta({ content: '' }),
        delta({ content: 'b', reasoning_content: null }),
        delta({ reasoning: 'c' }),
        calls(piece(0, 'x', 'f', '{}')),
      ),
    ).toMatchObject([
      { type: 'reasoning', text: 'a' },
      { type: 'text', text: 'b' },
      { type: 'reasoning', text: 'c' },
      { type: 'tool-call', id: 'x', name: 'f', input: '{}' },
    ])
  })

  it('a refusal as a part of the content', () => {
    const answer = read(delta({ content: [{ type: 'refusal', refusal: 'no' }] }), stop, done)
    expect(answer.choices[0]).toMatchObject({
      blocks: [{ type: 'refusal', text: 'no' }],
      finish: { reason: 'refusal' },
    })
  })

  it('OpenRouter’s details: the words are told once, each proof on its own', () => {
    const detail = (more: object): object => ({
      type: 'reasoning.text',
      index: 0,
      format: 'anthropic-claude-v1',
      ...more,
    })
    expect(
      blocks(
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

  it('Mistral’s lists, images, refusals, sound, signed text', () => {
    expect(
      blocks(
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

  it('HC-042: a signature without any text is kept', () => {
    expect(blocks(delta({ content: '', extra_content: { google: { thought_signature: 't' } } }))).toMatchObject([
      { type: 'text', text: '', signature: { value: 't' } },
    ])
  })

  it('citations at the end are counted in characters', () => {
    const annotations = [{ type: 'url_citation', url_citation: { start_index: 1, end_index: 2, title: 't', url: 'u' } }]
    expect(blocks(delta({ content: '😀' }), delta({ content: '😀' }), delta({ annotations }))).toMatchObject([
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
        calls(piece(0, 'a', 'f', '')),
        calls(piece(1, 'b', 'g')),
        calls(piece(0, undefined, null, '{"a"')),
        calls(piece(1, null, undefined, '{"b"')),
        calls(piece(0, '', '', ':1}'), piece(1, '', '', ':2}')),
      ],
      two,
    ],
    ['HC-054: index 0 for all', [calls(piece(0, 'a', 'f', '{"a":1}')), calls(piece(0, 'b', 'g', '{"b":2}'))], two],
    [
      'no index',
      [
        calls(
          { ...piece(0, 'a', 'f', '{"a":1}'), index: undefined },
          { ...piece(0, 'b', 'g', '{"b"'), index: undefined },
        ),
        calls({ function: { arguments: ':2}' } }),
      ],
      two,
    ],
    [
      'no index, no id',
      [calls({ function: { name: 'f', arguments: '{}' } }), calls({ function: { name: 'f', arguments: '{}' } })],
      [
        { id: 'call_r1_0', name: 'f', input: '{}' },
        { id: 'call_r1_1', name: 'f', input: '{}' },
      ],
    ],
    [
      'the name with each piece',
      [
        calls(piece(0, 'a', 'f', '{"a"')),
        calls(piece(0, 'a', 'f', ':1}')),
        calls(piece(1, '', 'g', '{"b"')),
        calls(piece(1, '', 'g', ':2}')),
      ],
      [two[0], { id: 'call_r1_0', name: 'g', input: '{"b":2}' }],
    ],
    [
      'a name that comes late',
      [calls(piece(0, 'a', undefined, '{"a"')), calls(piece(0, undefined, 'f', ':1}'))],
      [two[0]],
    ],
    ['gaps in the index', [calls(piece(3, 'a', 'f', '{"a":1}')), calls(piece(7, 'b', 'g', '{"b":2}'))], two],
    ['an object', [calls(piece(0, 'a', 'f', { a: 1 }))], [two[0]]],
    [
      'the old kind',
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
    const found = blocks(...values) as unknown[]
    expect(found).toMatchObject(expected)
    expect(found).toHaveLength(expected.length)
    expect(read(...values, stop).choices[0]?.finish.reason).toBe('tool-calls')
  })

  it('HC-041: a signature on the first of parallel calls stays there', () => {
    const signed = { ...piece(0, 'a', 'f', '{}'), extra_content: { google: { thought_signature: 's' } } }
    const found = blocks(calls(signed), calls(piece(1, 'b', 'g', '{}'))) as { signature?: unknown }[]
    expect(found.map(({ signature }) => signature)).toEqual([{ protocol: 'gemini', value: 's' }, undefined])
  })
})

describe('the frame', () => {
  it('HC-072: Azure’s filter results are neither the beginning nor a block', () => {
    const events = readStream(
      records(
        { choices: [], created: 0, id: '', model: '', prompt_filter_results: [] },
        delta({ role: 'assistant', content: '' }),
        {
          id: '',
          choices: [{ index: 0, finish_reason: null, content_filter_results: {}, content_filter_offsets: {} }],
        },
        delta({ content: 'a' }),
        stop,
        done,
      ),
    )
    expect(events.map(({ type }) => type)).toEqual(['start', 'block', 'delta', 'stop', 'finish'])
    expect(events[0]).toMatchObject({ id: 'c1', model: 'real' })
  })

  it('HC-073: no finish_reason, a null delta', () => {
    expect(
      read(
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
        { ...stop, usage: { prompt_tokens: 5, completion_tokens: 2 } },
      ],
    ],
    ['by Groq', [delta({ content: 'a' }), { ...stop, x_groq: { usage: { prompt_tokens: 5, completion_tokens: 2 } } }]],
    [
      'in the choice',
      [
        delta({ content: 'a' }),
        delta({}, { finish_reason: 'stop', usage: { prompt_tokens: 5, completion_tokens: 2 } }),
      ],
    ],
    ['alone', [delta({ content: 'a' }), stop, { choices: [], usage: { prompt_tokens: 5, completion_tokens: 2 } }]],
  ])('HC-085: usage %s', (_name, values) => expect(read(...values, done).usage).toMatchObject({ input: 5, output: 2 }))

  it('HC-117: the first end mark ends it', () => {
    const reader = openaiChat.readStream({ id: 'r' })
    const states = readRecords(Buffer.from(records(delta({ content: 'a' }), stop, ' [DONE] ', 'nonsense', done))).map(
      (record) => {
        reader.read(record, () => undefined)
        return reader.state
      },
    )
    expect(states).toEqual(['open', 'complete', 'over', 'over', 'over'])
  })

  it('an end mark without a finish closes what is open', () => {
    expect(read(delta({ content: 'a' }), done).choices).toMatchObject([{ finish: { reason: 'stop' } }])
  })

  it('HC-096: without either it stays open', () => {
    const reader = openaiChat.readStream({ id: 'r' })
    for (const record of readRecords(Buffer.from(records(delta({ content: 'a' })))))
      reader.read(record, () => undefined)
    expect(reader.state).toBe('open')
  })

  it('choices beside one another', () => {
    const at = (index: number, value: object, finish: string | null = null): object => ({
      choices: [{ index, delta: value, finish_reason: finish }],
    })
    const events = readStream(
      records(at(1, { content: 'b' }), at(0, { content: 'a' }), at(1, {}, 'length'), at(0, {}, 'stop'), done),
    )
    expect(fold(events).choices).toMatchObject([
      { blocks: [{ text: 'a' }], finish: { reason: 'stop' } },
      { blocks: [{ text: 'b' }], finish: { reason: 'length' } },
    ])
  })

  it.each<[string, unknown[], object]>([
    ['HC-118: broken JSON', [delta({ content: 'a' }), '{"choices":[{"delta"'], {}],
    ['an error', [delta({ content: 'a' }), { error: { message: 'x', code: 502 } }], { status: 502, message: 'x' }],
    ['an error before all', [{ error: 'overloaded' }], { message: 'overloaded' }],
    ['Groq’s error', [{ x_groq: { error: 'slow down' } }], { message: 'slow down' }],
    [
      'HC-092: a broken finish',
      [delta({ content: '' }, { finish_reason: 'error', native_finish_reason: 'network_error' })],
      {},
    ],
    ['an end without an answer', [done], { message: 'The provider sent an empty answer.' }],
    ['an error without words', [{ error: {} }], {}],
  ])('%s is an error, and nothing follows', (_name, values, expected) => {
    expect(readStream(records(...values, delta({ content: 'z' }), stop, done)).at(-1)).toMatchObject({
      type: 'error',
      upstreamError: expected,
    })
  })

  it('what keeps a connection alive is nothing', () => {
    expect(blocks(':keepalive', delta({ content: 'a' }))).toMatchObject([{ text: 'a' }])
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
  ])('HC-032: the nonsense %j does no harm', (value) =>
    expect(() => readStream(records(value, stop, done))).not.toThrow(),
  )
})
