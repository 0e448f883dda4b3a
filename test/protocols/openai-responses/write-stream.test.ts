import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { ChatEvent } from '../../../src/chat/events.js'
import { unwrapSignature } from '../../../src/chat/signatures.js'
import { RelayError } from '../../../src/errors.js'
import { openaiResponses } from '../../../src/protocols/openai-responses/index.js'
import { answerContext, type Event, eventsOf, read, writeEvents } from './responses-fixtures.js'

const start: ChatEvent = { type: 'start', id: 'x', model: 'up-1' }
const finish = (reason: 'stop' | 'length' | 'tool-calls' | 'filter' | 'context' | 'pause'): ChatEvent => ({
  type: 'finish',
  choice: 0,
  finish: { reason },
})
const text = (index: number, ...pieces: string[]): ChatEvent[] => [
  { type: 'block', index, choice: 0, block: { type: 'text', text: '' } },
  ...pieces.map((piece): ChatEvent => ({ type: 'delta', index, text: piece })),
  { type: 'stop', index },
]
const call = (index: number, id: string, ...pieces: string[]): ChatEvent[] => [
  { type: 'block', index, choice: 0, block: { type: 'tool-call', id, name: 'f', input: '' } },
  ...pieces.map((piece): ChatEvent => ({ type: 'delta', index, text: piece })),
  { type: 'stop', index },
]
const types = (events: readonly Event[]): string[] => events.map(({ type }) => type.replace('response.', ''))
const lastOf = (written: string): { response: Record<string, unknown> & { output: Record<string, unknown>[] } } =>
  eventsOf(written).at(-1) as never

/** What OpenAI's own strict helper makes of a stream. */
function byTheSdk(written: string): Promise<OpenAI.Responses.Response> {
  const headers = { 'content-type': 'text/event-stream' }
  const client = new OpenAI({
    apiKey: 'none',
    maxRetries: 0,
    fetch: () => Promise.resolve(new Response(written, { headers })),
  })
  return client.responses.stream({ model: 'm', input: 'x' }).finalResponse()
}

describe('HC-060: the events of a stream', () => {
  const written = writeEvents([
    start,
    ...text(0, 'H', 'i'),
    finish('stop'),
    { type: 'usage', usage: { input: 9, cachedInput: 4, cacheWriteInput: 1, output: 5, reasoning: 2 } },
  ])
  const events = eventsOf(written)

  it('come in order, numbered from 0', () => {
    expect(types(events)).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.delta',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'completed',
    ])
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index))
  })

  it('keep their ids, and the last one repeats the whole response', () => {
    const place = { item_id: 'msg_a1_0', output_index: 0, content_index: 0 }
    const part = { type: 'output_text', annotations: [], logprobs: [], text: 'Hi' }
    expect(events[2]).toMatchObject({ output_index: 0, item: { id: 'msg_a1_0', status: 'in_progress', content: [] } })
    expect(events[3]).toMatchObject({ ...place, part: { ...part, text: '' } })
    expect(events[5]).toMatchObject({ ...place, delta: 'i', logprobs: [] })
    expect(events[6]).toMatchObject({ ...place, text: 'Hi', logprobs: [] })
    expect(events[7]).toMatchObject({ ...place, part })
    const item = { id: 'msg_a1_0', type: 'message', status: 'completed', content: [part], role: 'assistant' }
    expect(events[8]).toMatchObject({ output_index: 0, item })
    expect(events[9]?.response).toMatchObject({
      id: 'resp_a1',
      object: 'response',
      created_at: 7,
      status: 'completed',
      model: 'up-1',
      output: [item],
      error: null,
      incomplete_details: null,
      usage: {
        input_tokens: 9,
        input_tokens_details: { cached_tokens: 4, cache_write_tokens: 1 },
        output_tokens: 5,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 14,
      },
    })
    for (const index of [0, 1]) {
      expect(events[index]?.response).toMatchObject({ id: 'resp_a1', status: 'in_progress', output: [], usage: null })
    }
  })

  it('repeat the settings of the request', () => {
    const settings = {
      instructions: 'Be brief.',
      tools: [
        { type: 'function', name: 'f' },
        { type: 'custom', name: 'p' },
      ],
      tool_choice: { type: 'function', name: 'f' },
      temperature: 0.3,
      top_p: 0.8,
      max_output_tokens: 64,
      parallel_tool_calls: false,
      metadata: { a: 'b' },
      text: { verbosity: 'low' },
      reasoning: { effort: 'high' },
      store: true,
    }
    const { response } = lastOf(writeEvents([start, finish('stop')], answerContext(read({ input: 'a', ...settings }))))
    expect(response).toMatchObject({
      ...settings,
      tools: [{ type: 'function', name: 'f', description: null, parameters: null, strict: null }, settings.tools[1]],
      text: { format: { type: 'text' }, verbosity: 'low' },
      reasoning: { effort: 'high', summary: null },
      store: false,
    })
    expect(lastOf(writeEvents([start, finish('stop')])).response).toMatchObject({
      instructions: null,
      tools: [],
      tool_choice: 'auto',
      temperature: 1,
      top_p: 1,
      parallel_tool_calls: true,
      metadata: {},
      store: false,
    })
  })
})

describe('HC-061: each item ends before the next one begins', () => {
  const signature = { protocol: 'anthropic-messages', value: 'sig', id: 'x' }
  const reasoning = (index: number, piece: string, sealed = false): ChatEvent[] => [
    { type: 'block', index, choice: 0, block: { type: 'reasoning', text: '' } },
    { type: 'delta', index, text: piece },
    ...(sealed ? [{ type: 'mark' as const, index, signature }] : []),
    { type: 'stop', index },
  ]
  const written = writeEvents([
    start,
    ...reasoning(0, 'a'),
    ...reasoning(1, 'b', true),
    ...reasoning(2, 'c'),
    ...text(3, 'd'),
    ...call(4, 'c1', '{"a"', ':1}'),
    finish('tool-calls'),
  ])
  const events = eventsOf(written)

  it('numbers items in order', () => {
    const frames = events.filter(({ type }) => /output_item\.(added|done)$/.test(type))
    expect(frames.map(({ type, output_index: index }) => `${type.slice(21)} ${index}`)).toEqual(
      [0, 1, 2, 3].flatMap((index) => [`added ${index}`, `done ${index}`]),
    )
  })

  it('joins reasoning up to its signature', () => {
    const { output } = lastOf(written).response
    const summary = (...texts: string[]): unknown => texts.map((one) => ({ type: 'summary_text', text: one }))
    expect(output).toMatchObject([
      { id: 'rs_a1_0', type: 'reasoning', summary: summary('a', 'b') },
      { id: 'rs_a1_1', type: 'reasoning', summary: summary('c') },
      { id: 'msg_a1_2', type: 'message' },
      { id: 'fc_a1_3', type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a":1}', status: 'completed' },
    ])
    expect(unwrapSignature(String(output[0]?.encrypted_content))).toEqual({ ...signature, issuer: 'here' })
    expect(output[1]).not.toHaveProperty('encrypted_content')
    expect(types(events).slice(2, 12)).toEqual([
      'output_item.added',
      'reasoning_summary_part.added',
      'reasoning_summary_text.delta',
      'reasoning_summary_text.done',
      'reasoning_summary_part.done',
      'reasoning_summary_part.added',
      'reasoning_summary_text.delta',
      'reasoning_summary_text.done',
      'reasoning_summary_part.done',
      'output_item.done',
    ])
  })

  it("is accepted by OpenAI's stream helper", async () => {
    expect((await byTheSdk(written)).output).toMatchObject(lastOf(written).response.output)
  })

  it('writes hidden reasoning without a summary', () => {
    const hidden: ChatEvent[] = [
      { type: 'block', index: 0, choice: 0, block: { type: 'reasoning', text: '', signature } },
      { type: 'stop', index: 0 },
    ]
    const { output } = lastOf(writeEvents([start, ...hidden, finish('stop')])).response
    expect(output).toMatchObject([{ type: 'reasoning', summary: [], encrypted_content: expect.any(String) }])
  })
})

describe('tool calls', () => {
  it('HC-058: have an empty object without input', () => {
    const events = eventsOf(writeEvents([start, ...call(0, 'c1'), finish('tool-calls')]))
    const input = events.filter(({ type }) => type.endsWith('arguments.delta')).map(({ delta }) => delta)
    expect(input).toEqual(['{}'])
    expect(events.find(({ type }) => type.endsWith('arguments.done'))).toMatchObject({ arguments: '{}' })
  })

  it('HC-028: of plain-text tools have their own events and group', async () => {
    const block = {
      type: 'tool-call',
      id: 'c1',
      name: 'apply_patch',
      namespace: 'editor',
      input: '',
      freeform: true,
    } as const
    const written = writeEvents([
      start,
      { type: 'block', index: 0, choice: 0, block },
      { type: 'delta', index: 0, text: '*** Begin' },
      { type: 'delta', index: 0, text: '\n"x"' },
      { type: 'stop', index: 0 },
      finish('tool-calls'),
    ])
    expect(types(eventsOf(written)).slice(2, -1)).toEqual([
      'output_item.added',
      'custom_tool_call_input.delta',
      'custom_tool_call_input.delta',
      'custom_tool_call_input.done',
      'output_item.done',
    ])
    expect((await byTheSdk(written)).output).toMatchObject([
      {
        id: 'ctc_a1_0',
        type: 'custom_tool_call',
        call_id: 'c1',
        name: 'apply_patch',
        namespace: 'editor',
        input: '*** Begin\n"x"',
      },
    ])
  })

  it('HC-056: that are interleaved come one after another', async () => {
    const [open0, a0, stop0] = call(0, 'c1', '{"a":1}') as [ChatEvent, ChatEvent, ChatEvent]
    const [open1, a1, stop1] = call(1, 'c2', '{"b":2}') as [ChatEvent, ChatEvent, ChatEvent]
    const written = writeEvents([start, open0, open1, a1, a0, stop1, stop0, finish('tool-calls')])
    expect((await byTheSdk(written)).output).toMatchObject([
      { call_id: 'c1', arguments: '{"a":1}' },
      { call_id: 'c2', arguments: '{"b":2}' },
    ])
  })

  it('HC-041, HC-042: and texts have their signature in an item of its own', async () => {
    const signature = { protocol: 'gemini', value: 'U0lH' }
    const written = writeEvents([
      start,
      { type: 'block', index: 0, choice: 0, block: { type: 'text', text: '', signature } },
      { type: 'stop', index: 0 },
      ...call(1, 'c1', '{}').slice(0, -1),
      { type: 'mark', index: 1, signature },
      { type: 'stop', index: 1 },
      ...call(2, 'c2', '{}'),
      finish('tool-calls'),
    ])
    const { output } = await byTheSdk(written)
    expect(output.map(({ type }) => type)).toEqual(['reasoning', 'function_call', 'reasoning', 'function_call'])
    // The client sends all of it back.
    const { turns } = read({ input: [{ role: 'user', content: 'x' }, ...output] })
    expect(turns[1]?.blocks).toMatchObject([
      { type: 'text', text: '', signature: { ...signature, issuer: 'here' } },
      { id: 'c1', signature: { ...signature, issuer: 'here' } },
      { id: 'c2' },
    ])
  })
})

describe('parts and other blocks', () => {
  it('text and refusals of one phase share a message', async () => {
    const phase = (name: string): ChatEvent => ({
      type: 'block',
      index: 2,
      choice: 0,
      block: { type: 'text', text: '', native: { protocol: 'openai-responses', fields: { phase: name } } },
    })
    const written = writeEvents([
      start,
      ...text(0, 'a'),
      { type: 'block', index: 1, choice: 0, block: { type: 'refusal', text: '' } },
      { type: 'delta', index: 1, text: 'no' },
      { type: 'stop', index: 1 },
      phase('final_answer'),
      { type: 'delta', index: 2, text: 'c' },
      { type: 'stop', index: 2 },
      finish('stop'),
    ])
    expect((await byTheSdk(written)).output).toMatchObject([
      {
        content: [
          { type: 'output_text', text: 'a' },
          { type: 'refusal', refusal: 'no' },
        ],
      },
      { content: [{ type: 'output_text', text: 'c' }], phase: 'final_answer' },
    ])
  })

  it('empty text opens no item', () => {
    expect(lastOf(writeEvents([start, ...text(0, ''), ...text(1), finish('stop')])).response.output).toEqual([])
  })

  it('citations are annotations with positions in code points', async () => {
    const [open, ...rest] = text(0, '😀 said')
    const citation = { url: 'https://x', title: 'X', start: 3, end: 7 }
    const to = answerContext()
    const written = writeEvents(
      [
        start,
        open as ChatEvent,
        rest[0] as ChatEvent,
        { type: 'mark', index: 0, citation },
        { type: 'mark', index: 0, citation: { url: 'https://y' } },
        { type: 'mark', index: 0, citation: { quote: 'a page' } },
        rest[1] as ChatEvent,
        finish('stop'),
      ],
      to,
    )
    const annotations = [
      { type: 'url_citation', start_index: 2, end_index: 6, url: 'https://x', title: 'X' },
      { type: 'url_citation', start_index: 0, end_index: 6, url: 'https://y', title: '' },
    ]
    expect((await byTheSdk(written)).output).toMatchObject([{ content: [{ annotations }] }])
    expect(types(eventsOf(written)).filter((type) => type === 'output_text.annotation.added')).toHaveLength(2)
    expect(to.losses.list.map(({ path }) => path)).toEqual(['content[0].citations'])
  })

  it('images are generation calls, and other blocks are losses', async () => {
    const whole = (index: number, block: Extract<ChatEvent, { type: 'block' }>['block']): ChatEvent[] => [
      { type: 'block', index, choice: 0, block },
      { type: 'stop', index },
    ]
    const to = answerContext()
    const search = { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } }
    const written = writeEvents(
      [
        start,
        ...whole(0, { type: 'media', kind: 'image', mime: 'image/webp', source: { type: 'bytes', data: 'AAAA' } }),
        ...whole(1, { type: 'media', kind: 'audio', source: { type: 'bytes', data: 'AAAA' } }),
        ...whole(2, { type: 'foreign', protocol: 'gemini', kind: 'executableCode', value: {} }),
        ...whole(3, { type: 'foreign', protocol: 'openai-responses', kind: 'web_search_call', value: search }),
        finish('stop'),
      ],
      to,
    )
    expect((await byTheSdk(written)).output).toMatchObject([
      { id: 'ig_a1_0', type: 'image_generation_call', status: 'completed', result: 'AAAA', output_format: 'webp' },
      search,
    ])
    expect(to.losses.list.map(({ path }) => path)).toEqual(['content[1]', 'content[2]'])
  })

  it('a second choice is a loss', () => {
    const other = text(1, 'second').map((event) => (event.type === 'block' ? { ...event, choice: 1 } : event))
    const { output } = lastOf(
      writeEvents([
        start,
        ...text(0, 'first'),
        ...other,
        finish('stop'),
        { type: 'finish', choice: 1, finish: { reason: 'length' } },
      ]),
    ).response
    expect(JSON.stringify(output)).not.toContain('second')
  })

  it('HC-120: lone surrogates stay escaped', () => {
    const written = writeEvents([start, ...text(0, 'a', '\ud83d'), finish('stop')])
    expect(written).toContain('\\ud83d')
    expect(lastOf(written).response.output).toMatchObject([{ content: [{ text: 'a\ud83d' }] }])
  })
})

describe('the end of a stream', () => {
  it.each([
    ['stop', 'completed', null],
    ['pause', 'completed', null],
    ['length', 'incomplete', { reason: 'max_output_tokens' }],
    ['context', 'incomplete', { reason: 'max_output_tokens' }],
    ['filter', 'incomplete', { reason: 'content_filter' }],
  ] as const)('%s is written as %s', async (reason, status, details) => {
    const written = writeEvents([start, ...text(0, 'a'), finish(reason)])
    expect(eventsOf(written).at(-1)?.type).toBe(`response.${status}`)
    expect(lastOf(written).response).toMatchObject({ status, incomplete_details: details, output: [{ status }] })
    expect((await byTheSdk(written)).status).toBe(status)
  })

  it('HC-077: is completed for a refusal with text, and a content filter without', () => {
    const refused: ChatEvent = { type: 'finish', choice: 0, finish: { reason: 'refusal', explanation: 'cyber' } }
    const own: ChatEvent[] = [
      { type: 'block', index: 0, choice: 0, block: { type: 'refusal', text: '' } },
      { type: 'delta', index: 0, text: 'no' },
      { type: 'stop', index: 0 },
    ]
    expect(lastOf(writeEvents([start, ...own, refused])).response).toMatchObject({
      status: 'completed',
      output: [{ content: [{ type: 'refusal', refusal: 'no' }] }],
    })
    expect(lastOf(writeEvents([start, ...text(0, 'a'), refused])).response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'content_filter' },
      output: [{ content: [{ text: 'a' }, { type: 'refusal', refusal: 'cyber' }] }],
    })
  })

  it('is a failed response with the same id and output, without an end marker', async () => {
    const writer = openaiResponses.writeStream(answerContext())
    const begun = [start, ...call(0, 'c1', '{}'), ...text(1, 'half').slice(0, -1)]
    const before = begun.map((event) => writer.write(event)).join('')
    const written = before + writer.fail(new RelayError('upstream_timeout', 'Silent.'))
    const last = eventsOf(written).at(-1)
    expect(last?.type).toBe('response.failed')
    expect(last?.response).toMatchObject({
      id: 'resp_a1',
      status: 'failed',
      error: { code: 'server_error', message: 'Silent.' },
      output: [{ call_id: 'c1' }],
    })
    expect(written).not.toContain('response.completed')
    expect((await byTheSdk(written)).status).toBe('failed')
  })

  it('is an error event before any output', async () => {
    const written = openaiResponses
      .writeStream(answerContext())
      .fail(new RelayError('upstream_rate_limited', 'Slow down.'))
    expect(eventsOf(written)).toMatchObject([
      { type: 'error', code: 'rate_limit_exceeded', message: 'Slow down.', param: null, sequence_number: 0 },
    ])
    await expect(byTheSdk(written)).rejects.toThrow('Slow down.')
  })

  it('is correct without any events', async () => {
    expect((await byTheSdk(openaiResponses.writeStream(answerContext()).end())).status).toBe('completed')
  })
})
