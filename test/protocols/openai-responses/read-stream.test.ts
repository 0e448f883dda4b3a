import { describe, expect, it } from 'vitest'
import type { ChatEvent } from '../../../src/chat/events.js'
import { openaiResponses } from '../../../src/protocols/openai-responses/index.js'
import { collectAnswer, readText, streamOf, withoutUndefined } from './responses-fixtures.js'

const response = { id: 'resp_1', model: 'gpt-x', status: 'completed' }
const created = { type: 'response.created', response: { ...response, status: 'in_progress', output: [] } }
const usage = { input_tokens: 9, output_tokens: 5, total_tokens: 14 }
const completed = { type: 'response.completed', response: { ...response, usage } }
const added = (index: number, item: object): object => ({
  type: 'response.output_item.added',
  output_index: index,
  item,
})
const done = (index: number, item: object): object => ({ type: 'response.output_item.done', output_index: index, item })
const delta = (index: number, text: string, more: object = {}): object => ({
  type: 'response.output_text.delta',
  output_index: index,
  content_index: 0,
  delta: text,
  ...more,
})
const args = (index: number, text: string): object => ({
  type: 'response.function_call_arguments.delta',
  output_index: index,
  delta: text,
})
const call = { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'f', arguments: '' }
const message = { type: 'message', id: 'msg_1', role: 'assistant', content: [] }
const textOf = (text: string, annotations: object[] = []): object => ({
  ...message,
  content: [{ type: 'output_text', text, annotations }],
})

const read = (...events: object[]): { events: ChatEvent[]; state: string } => readText(streamOf(events))
const blocks = (...events: object[]): unknown =>
  withoutUndefined(collectAnswer(read(...events).events).choices[0]?.blocks)
/** Every block has a beginning and one end, in order, before the answer's. */
const expectWellOrdered = (events: readonly ChatEvent[]): void => {
  const open = new Set<number>()
  let next = 0
  expect(events[0]?.type).toBe('start')
  for (const event of events) {
    if (event.type === 'block') {
      expect(event.index).toBe(next++)
      open.add(event.index)
    } else if (event.type === 'stop') expect(open.delete(event.index)).toBe(true)
    else if ('index' in event) expect(open.has(event.index)).toBe(true)
    if (event.type === 'finish') expect(open.size).toBe(0)
  }
}

describe('reading a stream', () => {
  it('emits text deltas', () => {
    const { events, state } = read(
      created,
      { type: 'response.in_progress', response },
      added(0, message),
      {
        type: 'response.content_part.added',
        output_index: 0,
        content_index: 0,
        part: { type: 'output_text', text: '' },
      },
      delta(0, 'H'),
      delta(0, 'i'),
      { type: 'response.output_text.done', output_index: 0, content_index: 0, text: 'Hi' },
      {
        type: 'response.content_part.done',
        output_index: 0,
        content_index: 0,
        part: { type: 'output_text', text: 'Hi' },
      },
      done(0, textOf('Hi')),
      completed,
    )
    expect(withoutUndefined(events)).toEqual([
      { type: 'start', id: 'resp_1', model: 'gpt-x' },
      { type: 'block', index: 0, choice: 0, block: { type: 'text', text: '' } },
      { type: 'delta', index: 0, text: 'H' },
      { type: 'delta', index: 0, text: 'i' },
      { type: 'stop', index: 0 },
      { type: 'finish', choice: 0, finish: { reason: 'stop' } },
      { type: 'usage', usage: { input: 9, cachedInput: 0, cacheWriteInput: 0, output: 5, reasoning: 0 } },
    ])
    expect(state).toBe('over')
  })

  it('emits reasoning part by part, with the signature on the last', () => {
    const summary = (part: number, text: string): object => ({
      type: 'response.reasoning_summary_text.delta',
      output_index: 0,
      summary_index: part,
      delta: text,
    })
    const item = {
      type: 'reasoning',
      id: 'rs_1',
      summary: [
        { type: 'summary_text', text: 'ab' },
        { type: 'summary_text', text: 'c' },
      ],
      encrypted_content: 'gAAA',
    }
    const { events } = read(
      created,
      added(0, { type: 'reasoning', id: 'rs_1', summary: [] }),
      summary(0, 'a'),
      summary(0, 'b'),
      summary(1, 'c'),
      done(0, item),
      completed,
    )
    expectWellOrdered(events)
    expect(withoutUndefined(collectAnswer(events).choices[0]?.blocks)).toEqual([
      { type: 'reasoning', text: 'ab' },
      { type: 'reasoning', text: 'c', signature: { protocol: 'openai-responses', value: 'gAAA', id: 'rs_1' } },
    ])
    const hidden = read(created, done(0, { ...item, summary: [] }), completed)
    expectWellOrdered(hidden.events)
    expect(collectAnswer(hidden.events).choices[0]?.blocks).toMatchObject([{ text: '', signature: { value: 'gAAA' } }])
    const raw = { type: 'response.reasoning_text.delta', output_index: 0, content_index: 0, delta: 'raw' }
    expect(blocks(created, raw, completed)).toEqual([{ type: 'reasoning', text: 'raw' }])
  })

  it('emits interleaved calls', () => {
    const other = { ...call, id: 'fc_2', call_id: 'c2', name: 'g' }
    const { events } = read(
      created,
      added(0, call),
      added(1, other),
      args(1, '{"b"'),
      args(0, '{}'),
      args(1, ':2}'),
      done(1, { ...other, arguments: '{"b":2}' }),
      done(0, { ...call, arguments: '{}' }),
      completed,
    )
    expectWellOrdered(events)
    expect(collectAnswer(events).choices[0]).toMatchObject({
      blocks: [
        { id: 'c1', name: 'f', input: '{}' },
        { id: 'c2', name: 'g', input: '{"b":2}' },
      ],
      finish: { reason: 'tool-calls' },
    })
  })

  it('emits plain-text tools, groups, refusals and phases', () => {
    const custom = { type: 'custom_tool_call', call_id: 'c1', name: 'p', namespace: 'n', input: '' }
    const { events } = read(
      created,
      added(0, { ...message, phase: 'commentary' }),
      { type: 'response.refusal.delta', output_index: 0, content_index: 0, delta: 'no' },
      added(1, custom),
      { type: 'response.custom_tool_call_input.delta', output_index: 1, delta: '*** ' },
      { type: 'response.custom_tool_call_input.done', output_index: 1, input: '*** x' },
      completed,
    )
    expectWellOrdered(events)
    expect(withoutUndefined(collectAnswer(events).choices[0]?.blocks)).toEqual([
      { type: 'refusal', text: 'no', native: { protocol: 'openai-responses', fields: { phase: 'commentary' } } },
      { type: 'tool-call', id: 'c1', name: 'p', namespace: 'n', input: '*** x', freeform: true },
    ])
  })

  it('emits annotations once, from deltas or from the end', () => {
    const annotation = { type: 'url_citation', url: 'https://x', title: 'X', start_index: 2, end_index: 6 }
    const second = { ...annotation, url: 'https://y' }
    const told = {
      type: 'response.output_text.annotation.added',
      output_index: 0,
      content_index: 0,
      annotation_index: 0,
      annotation,
    }
    const { events } = read(
      created,
      added(0, message),
      delta(0, '😀 said'),
      told,
      done(0, textOf('😀 said', [annotation, second])),
      completed,
    )
    expectWellOrdered(events)
    expect(collectAnswer(events).choices[0]?.blocks).toMatchObject([
      {
        citations: [
          { url: 'https://x', title: 'X', start: 3, end: 7 },
          { url: 'https://y', start: 3, end: 7 },
        ],
      },
    ])
  })

  it('emits items that arrive complete', () => {
    const image = { type: 'image_generation_call', id: 'ig_1', status: 'completed', result: 'AAAA' }
    const search = { type: 'web_search_call', id: 'ws_1', status: 'completed' }
    const { events } = read(
      created,
      added(0, { ...search, status: 'in_progress' }),
      { type: 'response.web_search_call.searching', output_index: 0, item_id: 'ws_1' },
      done(0, search),
      done(1, image),
      completed,
    )
    expectWellOrdered(events)
    expect(withoutUndefined(collectAnswer(events).choices[0])).toMatchObject({
      blocks: [
        { type: 'foreign', kind: 'web_search_call', value: search },
        { type: 'media', kind: 'image', source: { data: 'AAAA' } },
      ],
      finish: { reason: 'stop' },
    })
  })
})

describe('HC-062: variants of servers', () => {
  const whole = { ...response, output: [textOf('Hi'), { ...call, arguments: '{}' }], usage }
  const expected = [
    { type: 'text', text: 'Hi' },
    { type: 'tool-call', id: 'c1', name: 'f', input: '{}' },
  ]

  it.each<[string, object[]]>([
    ['only the last event', [{ type: 'response.completed', response: whole }]],
    ['response.done for response.completed', [created, { type: 'response.done', response: whole }]],
    ['only whole items', [created, done(0, textOf('Hi')), done(1, { ...call, arguments: '{}' }), completed]],
    [
      'no items in the last event',
      [
        created,
        added(0, message),
        delta(0, 'Hi'),
        added(1, call),
        args(1, '{}'),
        { type: 'response.completed', response: { ...response, output: [] } },
      ],
    ],
    [
      'no beginning of items',
      [created, delta(0, 'Hi', { item_id: 'msg_1' }), args(1, '{}'), done(1, { ...call, arguments: '{}' }), completed],
    ],
    [
      'no end of items',
      [
        created,
        added(0, message),
        delta(0, 'H'),
        added(1, call),
        args(1, '{'),
        { type: 'response.completed', response: whole },
      ],
    ],
    [
      'gaps in the indices',
      [
        created,
        added(2, message),
        delta(2, 'Hi'),
        done(2, textOf('Hi')),
        added(5, call),
        args(5, '{}'),
        done(5, { ...call, arguments: '{}' }),
        { type: 'response.completed', response: whole },
      ],
    ],
    [
      'no indices',
      [
        created,
        { ...added(0, message), output_index: undefined },
        { type: 'response.output_text.delta', delta: 'Hi' },
        { type: 'response.output_item.done', item: textOf('Hi') },
        { type: 'response.output_item.added', item: call },
        { type: 'response.function_call_arguments.delta', delta: '{}' },
        { type: 'response.output_item.done', item: { ...call, arguments: '{}' } },
        completed,
      ],
    ],
    [
      'whole texts instead of pieces',
      [
        created,
        added(0, message),
        { type: 'response.output_text.done', output_index: 0, content_index: 0, text: 'Hi' },
        added(1, call),
        { type: 'response.function_call_arguments.done', output_index: 1, arguments: '{}' },
        completed,
      ],
    ],
    [
      'the input at once and again',
      [
        created,
        added(0, message),
        delta(0, 'Hi'),
        added(1, { ...call, arguments: '{}' }),
        args(1, '{}'),
        done(1, { ...call, arguments: '{}' }),
        completed,
      ],
    ],
    [
      'the name only at the end',
      [
        created,
        added(0, message),
        delta(0, 'Hi'),
        added(1, { ...call, name: '' }),
        args(1, '{}'),
        done(1, { ...call, arguments: '{}' }),
        completed,
      ],
    ],
    [
      'null and empty pieces',
      [
        created,
        added(0, message),
        delta(0, ''),
        { ...delta(0, ''), delta: null },
        delta(0, 'Hi'),
        done(1, { ...call, arguments: '{}' }),
        completed,
      ],
    ],
  ])('%s', (_name, events) => {
    const { events: told, state } = read(...events)
    expectWellOrdered(told)
    expect(withoutUndefined(collectAnswer(told).choices)).toEqual([
      { blocks: expected, finish: { reason: 'tool-calls' } },
    ])
    expect(state).toBe('over')
  })

  it('uses the event name without a type, skips comments, and ends at the last event', () => {
    const text = `: ping\n\nevent: response.created\ndata: {"response":{"id":"r"}}\n\ndata: :keepalive\n\ndata: {"type":"keepalive"}\n\ndata: ${JSON.stringify(completed)}\n\ndata: [DONE]\n\ndata: nonsense\n\n`
    const { events, state } = readText(text)
    expect(events.map(({ type }) => type)).toEqual(['start', 'finish', 'usage'])
    expect(state).toBe('over')
  })

  it.each([
    ['response.incomplete', { incomplete_details: { reason: 'max_output_tokens' } }, 'length'],
    ['response.incomplete', { incomplete_details: { reason: 'content_filter' }, status: 'incomplete' }, 'filter'],
    ['response.done', { incomplete_details: { reason: 'max_output_tokens' }, status: 'incomplete' }, 'length'],
  ])('%s %j', (type, fields, reason) => {
    const { events, state } = read(created, { type, response: { ...response, ...fields } })
    expect(collectAnswer(events).choices[0]?.finish.reason).toBe(reason)
    expect(state).toBe('over')
  })

  it('HC-096: stays open without the last event', () => {
    expect(read(created, added(0, message), delta(0, 'Hi'), done(0, textOf('Hi'))).state).toBe('open')
  })
})

describe('errors', () => {
  it.each<[string, object | string, object]>([
    [
      'a failed response',
      {
        type: 'response.failed',
        response: { ...response, status: 'failed', error: { code: 'rate_limit_exceeded', message: 'Slow' } },
      },
      { status: 429, message: 'Slow', code: 'rate_limit_exceeded' },
    ],
    [
      'a failed response that says done',
      {
        type: 'response.done',
        response: { ...response, status: 'failed', error: { code: 'server_error', message: 'Bad' } },
      },
      { status: 500, message: 'Bad' },
    ],
    [
      'an error',
      { type: 'error', code: 'server_error', message: 'Bad', param: null },
      { status: 500, message: 'Bad', type: null },
    ],
    [
      'an error in an error',
      { type: 'error', error: { type: 'rate_limit_error', message: 'Slow' } },
      { status: 429, message: 'Slow' },
    ],
    ['a bare error', { error: { message: 'Bad', code: 503 } }, { status: 503, message: 'Bad' }],
    ['HC-118: what is not JSON', '{"type":"response.output', { message: expect.stringContaining('not JSON') }],
  ])('%s', (_name, event, upstreamError) => {
    const last = typeof event === 'string' ? `data: ${event}\n\n` : streamOf([event])
    const { events, state } = readText(streamOf([created, delta(0, 'a')]) + last + streamOf([delta(0, 'b'), completed]))
    expect(events.at(-1)).toMatchObject({ type: 'error', upstreamError })
    expect(events.filter(({ type }) => type === 'error')).toHaveLength(1)
    expect(state).toBe('open')
  })

  it('never throws', () => {
    const odd: unknown[] = [
      null,
      1,
      'a',
      [],
      {},
      { item: null },
      { item: 5, output_index: 'a' },
      { part: null },
      { response: [] },
      { delta: {} },
      { annotation: 1 },
    ]
    const types = [
      'output_text.delta',
      'output_item.added',
      'output_item.done',
      'content_part.done',
      'output_text.annotation.added',
      'reasoning_summary_text.done',
      'completed',
      'failed',
    ]
    for (const type of types) {
      for (const fields of odd) {
        const event = typeof fields === 'object' ? { ...fields, type: `response.${type}` } : fields
        expect(() => readText(`data: ${JSON.stringify(event)}\n\n`)).not.toThrow()
      }
    }
  })
})

describe('pass-through', () => {
  const sign = (event: object | string): string => {
    const read = openaiResponses.classifyRecord({
      event: undefined,
      data: typeof event === 'string' ? event : JSON.stringify(event),
    })
    return typeof read === 'string' || 'usage' in read ? String(read) : `fault ${read.status ?? ''}`.trim()
  }

  it.each<[string, object | string, string]>([
    ['created', created, 'prelude'],
    ['a message begun', added(0, message), 'prelude'],
    ['reasoning begun', added(0, { type: 'reasoning' }), 'prelude'],
    ['a part begun', { type: 'response.content_part.added' }, 'prelude'],
    ['an empty piece', delta(0, ''), 'prelude'],
    ['a keep-alive', ':keepalive', 'prelude'],
    ['text', delta(0, 'a'), 'output'],
    ['thought', { type: 'response.reasoning_summary_text.delta', delta: 'a' }, 'output'],
    ['a call begun', added(0, call), 'output'],
    ['a search begun', added(0, { type: 'web_search_call' }), 'output'],
    ['the end', completed, 'output'],
    [
      'a failure',
      { type: 'response.failed', response: { error: { code: 'server_error', message: 'x' } } },
      'fault 500',
    ],
    ['an error', { type: 'error', code: 'rate_limit_exceeded', message: 'x' }, 'fault 429'],
    ['a bare error', { error: { message: 'x', code: 429 } }, 'fault 429'],
    ['no JSON', '{"type', 'fault'],
  ])('%s', (_name, event, expected) => expect(sign(event)).toBe(expected))

  it('reads the outcome from the last records', () => {
    const ending = (...events: object[]): object =>
      openaiResponses.readEnding(events.map((event) => ({ event: undefined, data: JSON.stringify(event) })))
    expect(ending(delta(0, 'a'), completed)).toMatchObject({ complete: true, usage: { input: 9, output: 5 } })
    expect(ending({ type: 'response.incomplete', response: { usage } })).toMatchObject({
      complete: true,
      usage: { input: 9 },
    })
    expect(ending(delta(0, 'a'))).toMatchObject({ complete: false, usage: undefined })
    expect(ending(delta(0, 'a'), { type: 'response.failed', response: { usage, error: null } })).toMatchObject({
      complete: false,
      upstreamError: {},
      usage: { input: 9 },
    })
    expect(ending({ type: 'error', message: 'x' })).toMatchObject({ complete: false, upstreamError: { message: 'x' } })
  })
})
