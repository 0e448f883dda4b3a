import { describe, expect, it } from 'vitest'
import type { ChatAnswer } from '../../../src/chat/answer.js'
import type { Block } from '../../../src/chat/blocks.js'
import { AnswerCollector } from '../../../src/chat/collect-answer.js'
import type { ChatEvent } from '../../../src/chat/events.js'
import { replayAsEvents } from '../../../src/chat/replay-answer.js'
import { RelayError } from '../../../src/errors.js'
import { readRecords, wholeRecords } from '../../../src/lib/sse.js'
import { anthropicMessages as protocol } from '../../../src/protocols/anthropic-messages/index.js'
import { pick, seeded } from '../../random.js'
import { answerContext, readStreamText, recordsOf, streamOf, writeEvents } from './messages-fixtures.js'

const START = {
  type: 'message_start',
  message: {
    id: 'msg_1',
    model: 'claude',
    content: [],
    usage: { input_tokens: 4, cache_read_input_tokens: 2455, output_tokens: 1 },
  },
}
const begin = (index: number, content_block: object) => ({ type: 'content_block_start', index, content_block })
const delta = (index: number, type: string, fields: object) => ({
  type: 'content_block_delta',
  index,
  delta: { type, ...fields },
})
const stop = (index: number) => ({ type: 'content_block_stop', index })
const end = (stop_reason: string | null = 'end_turn', usage: object = { output_tokens: 34 }) => [
  { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage },
  { type: 'message_stop' },
]
const TEXT = [begin(0, { type: 'text', text: '' }), delta(0, 'text_delta', { text: 'hi' }), stop(0)]

describe('reading a stream', () => {
  it('emits the events of a message', () => {
    const { events, state } = readStreamText(streamOf(START, { type: 'ping' }, ...TEXT, ...end()))
    expect(events.map(({ type }) => type)).toEqual(['start', 'usage', 'block', 'delta', 'stop', 'usage', 'finish'])
    expect(events[0]).toEqual({ type: 'start', id: 'msg_1', model: 'claude' })
    expect(state).toBe('over')
  })

  it('HC-096: stays open until message_stop', () => {
    expect(readStreamText(streamOf(START, ...TEXT, ...end().slice(0, 1))).state).toBe('open')
  })

  it.each([
    ['the delta repeats it', START, { input_tokens: 4, cache_read_input_tokens: 2455, output_tokens: 34 }],
    ['the delta has null', START, { input_tokens: null, output_tokens: 34 }],
    [
      'the start has nothing yet',
      { type: 'message_start', message: { usage: { input_tokens: 0, output_tokens: 0 } } },
      { input_tokens: 4, cache_read_input_tokens: 2455, output_tokens: 34 },
    ],
  ])('HC-081: reads cumulative usage when %s', (_when, start, usage) => {
    const text = streamOf(start, ...TEXT, ...end('end_turn', usage))
    const expected = { input: 2459, cachedInput: 2455, cacheWriteInput: 0, output: 34, reasoning: 0 }
    expect(readStreamText(text).answer.usage).toEqual(expected)
    expect(protocol.readEnding(readRecords(Buffer.from(text)))).toMatchObject({
      complete: true,
      usage: expected,
      upstreamError: undefined,
    })
  })

  it('reads thinking with its signature, redacted thinking too', () => {
    const { answer } = readStreamText(
      streamOf(
        START,
        begin(0, { type: 'thinking', thinking: '', signature: '' }),
        delta(0, 'thinking_delta', { thinking: 'h' }),
        delta(0, 'thinking_delta', { thinking: 'm' }),
        delta(0, 'signature_delta', { signature: 's' }),
        stop(0),
        begin(1, { type: 'thinking', thinking: '' }),
        delta(1, 'signature_delta', { signature: 'omitted' }),
        stop(1),
        begin(2, { type: 'redacted_thinking', data: 'd' }),
        stop(2),
        begin(3, { type: 'text', text: '' }),
        stop(3),
        begin(4, { type: 'thinking', thinking: '', signature: '' }),
        stop(4),
        ...end(),
      ),
    )
    expect(answer.choices[0]?.blocks).toMatchObject([
      { type: 'reasoning', text: 'hm', signature: { value: 's' } },
      { type: 'reasoning', text: '', signature: { value: 'omitted' } },
      { type: 'reasoning', text: '', signature: { value: 'd', id: 'redacted_thinking' } },
    ])
    expect(answer.choices[0]?.blocks).toHaveLength(3)
  })

  it.each([
    ['in pieces', {}, ['', '{"a"', ':1}'], '{"a":1}'],
    ['not at all', {}, [''], '{}'],
    ['in the first record', { b: 2 }, [], '{"b":2}'],
  ])('HC-058: reads the input of a call %s', (_how, input, pieces, expected) => {
    const deltas = pieces.map((partial_json) => delta(0, 'input_json_delta', { partial_json }))
    const { answer } = readStreamText(
      streamOf(
        START,
        begin(0, { type: 'tool_use', id: 't', name: 'f', input }),
        ...deltas,
        stop(0),
        ...end('end_turn'),
      ),
    )
    expect(answer.choices[0]).toMatchObject({
      blocks: [{ type: 'tool-call', id: 't', name: 'f', input: expected }],
      finish: { reason: 'tool-calls' },
    })
  })

  it("emits the provider's own blocks when they are complete", () => {
    const citation = { type: 'web_search_result_location', url: 'u' }
    const { answer } = readStreamText(
      streamOf(
        START,
        begin(0, { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }),
        delta(0, 'input_json_delta', { partial_json: '{"query":' }),
        delta(0, 'input_json_delta', { partial_json: '"x"}' }),
        stop(0),
        begin(1, { type: 'web_search_tool_result', tool_use_id: 's', content: [] }),
        stop(1),
        begin(2, { type: 'compaction', content: '' }),
        delta(2, 'compaction_delta', { content: 'short' }),
        stop(2),
        begin(3, { type: 'text', text: '', citations: [] }),
        delta(3, 'text_delta', { text: 'a' }),
        delta(3, 'citations_delta', { citation }),
        stop(3),
        ...end(),
      ),
    )
    expect(answer.choices[0]).toMatchObject({
      blocks: [
        { type: 'foreign', value: { type: 'server_tool_use', input: { query: 'x' } } },
        { type: 'foreign', kind: 'web_search_tool_result' },
        { type: 'foreign', value: { content: 'short' } },
        { type: 'text', text: 'a', citations: [{ url: 'u' }] },
      ],
      finish: { reason: 'stop' },
    })
  })

  it('accepts gaps in indexes, missing starts and missing stops', () => {
    const { events, answer } = readStreamText(
      streamOf(delta(3, 'text_delta', { text: 'a' }), begin(7, { type: 'tool_use', name: 'f' }), {
        type: 'message_stop',
      }),
    )
    expect(events.flatMap((event) => (event.type === 'block' ? [event.index] : []))).toEqual([0, 1])
    expect(answer.choices[0]).toMatchObject({
      blocks: [{ text: 'a' }, { id: 'call_abc_1', input: '{}' }],
      finish: { reason: 'tool-calls' },
    })
  })

  it('HC-094: ends at an error', () => {
    const error = { type: 'error', error: { details: null, type: 'overloaded_error', message: 'Overloaded' } }
    const { events, state } = readStreamText(streamOf(START, error, ...TEXT))
    expect(events.at(-1)).toMatchObject({ type: 'error', upstreamError: { status: 529, message: 'Overloaded' } })
    expect(state).toBe('open')
    expect(readStreamText(streamOf(error)).events.map(({ type }) => type)).toEqual(['start', 'error'])
  })

  it('HC-118: emits an error for an incomplete record', () => {
    expect(
      readStreamText(`${streamOf(START)}data: {"type":"content_block_del\n\n`).answer.upstreamError?.message,
    ).toContain('not JSON')
    expect(
      readStreamText(streamOf(...end(null).slice(0, 1), { type: 'unheard_of' })).answer.upstreamError,
    ).toBeUndefined()
  })

  it('HC-112: reads the same events wherever the bytes are split', () => {
    const bytes = Buffer.from(
      streamOf(START, ...TEXT.slice(0, 1), delta(0, 'text_delta', { text: 'ü😀' }), stop(0), ...end()),
    )
    const whole = readStreamText(bytes.toString()).events
    for (let cut = 1; cut < bytes.length; cut++) {
      const reader = protocol.readStream({ id: 'abc' })
      const events: ChatEvent[] = []
      const at = wholeRecords(bytes.subarray(0, cut))
      for (const piece of [bytes.subarray(0, at), bytes.subarray(at)]) {
        for (const record of readRecords(piece)) reader.read(record, (event) => events.push(event))
      }
      expect(events).toEqual(whole)
    }
  })

  it('classifies records for the commit point', () => {
    const sign = (record: object) => protocol.classifyRecord({ event: undefined, data: JSON.stringify(record) })
    expect(sign(START)).toMatchObject({ usage: { input: 2459 } })
    for (const record of [
      { type: 'ping' },
      begin(0, { type: 'text', text: '', citations: [] }),
      begin(0, { type: 'thinking', thinking: '', signature: '' }),
      delta(0, 'text_delta', { text: '' }),
      stop(0),
    ]) {
      expect(sign(record)).toBe('prelude')
    }
    for (const record of [
      begin(0, { type: 'tool_use', id: 'x', name: 'f', input: {} }),
      delta(0, 'thinking_delta', { thinking: 'h' }),
      delta(0, 'signature_delta', { signature: 'h' }),
      ...end(),
    ]) {
      expect(sign(record)).toBe('output')
    }
    expect(sign({ type: 'error', error: { type: 'rate_limit_error', message: 'Slow' } })).toMatchObject({
      status: 429,
      message: 'Slow',
    })
    expect(protocol.classifyRecord({ event: undefined, data: '{' })).toMatchObject({
      message: expect.stringContaining('not JSON'),
    })
  })
})

const open = (index: number, block: Block, choice = 0): ChatEvent => ({ type: 'block', index, choice, block })
const words = (index: number, text: string): ChatEvent => ({ type: 'delta', index, text })
const close = (index: number): ChatEvent => ({ type: 'stop', index })
const finish = (reason: 'stop' | 'tool-calls'): ChatEvent => ({ type: 'finish', choice: 0, finish: { reason } })
const prose = (type: 'text' | 'reasoning' | 'refusal'): Block => ({ type, text: '' })
const call = (id: string): Block => ({ type: 'tool-call', id, name: 'f', input: '' })

describe('writing a stream', () => {
  it('HC-064, HC-065: writes an event line for every record, and every required field', () => {
    const usage = { input: 10, cachedInput: 4, cacheWriteInput: 0, output: 2, reasoning: 1 }
    const text = writeEvents([
      { type: 'start', id: 'resp_1', model: 'real' },
      open(0, prose('text')),
      words(0, 'hi'),
      close(0),
      { type: 'usage', usage },
      finish('stop'),
    ])
    for (const { event, data } of readRecords(Buffer.from(text))) expect(JSON.parse(data).type).toBe(event)
    const records = recordsOf(text)
    expect(records.map(({ type }) => type)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(records[0]?.message).toMatchObject({
      id: 'msg_abc',
      type: 'message',
      role: 'assistant',
      model: 'real',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 0, output_tokens: 0 },
    })
    expect(records[4]).toMatchObject({
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: {
        input_tokens: 6,
        cache_read_input_tokens: 4,
        output_tokens: 2,
        output_tokens_details: { thinking_tokens: 1 },
      },
    })
  })

  it('HC-048: writes thinking, text and calls as separate blocks, without empty ones', () => {
    const text = writeEvents([
      { type: 'start' },
      open(0, prose('reasoning')),
      words(0, 'a'),
      close(0),
      open(1, prose('text')),
      close(1),
      open(2, prose('text')),
      words(2, 'b'),
      close(2),
      open(3, prose('reasoning')),
      words(3, 'c'),
      close(3),
      open(4, prose('reasoning')),
      close(4),
      open(5, call('t')),
      close(5),
      finish('tool-calls'),
    ])
    const starts = recordsOf(text).filter(({ type }) => type === 'content_block_start')
    expect(starts.map(({ index, content_block: { type } }) => [index, type])).toEqual([
      [0, 'thinking'],
      [1, 'text'],
      [2, 'thinking'],
      [3, 'tool_use'],
    ])
    const order = recordsOf(text).flatMap(({ index, type, delta: said }) => (index === 0 ? [said?.type ?? type] : []))
    expect(order).toEqual(['content_block_start', 'thinking_delta', 'signature_delta', 'content_block_stop'])
    expect(readStreamText(text).answer.choices[0]?.blocks.at(-1)).toMatchObject({ input: '{}' })
  })

  it('HC-056: writes interleaved calls one after another', () => {
    const text = writeEvents([
      { type: 'start' },
      open(0, call('a')),
      open(1, call('b')),
      words(0, '{"a"'),
      words(1, '{"b"'),
      words(0, ':1}'),
      words(1, ':2}'),
      close(1),
      close(0),
      finish('tool-calls'),
    ])
    const seen = recordsOf(text).flatMap(({ index, type }) => (index === undefined ? [] : [`${index} ${type}`]))
    expect(seen.map((line) => line[0]).join('')).toMatch(/^0+1+$/)
    expect(readStreamText(text).answer.choices[0]?.blocks).toMatchObject([
      { id: 'a', input: '{"a":1}' },
      { id: 'b', input: '{"b":2}' },
    ])
  })

  it('drops other choices, and records losses', () => {
    const how = answerContext()
    const media: Block = { type: 'media', kind: 'image', source: { type: 'bytes', data: 'AAAA' } }
    const text = writeEvents(
      [
        { type: 'start' },
        open(0, media),
        close(0),
        open(1, prose('text'), 1),
        words(1, 'x'),
        close(1),
        open(2, prose('text')),
        words(2, 'y'),
        close(2),
        { type: 'finish', choice: 1, finish: { reason: 'length' } },
        finish('stop'),
      ],
      how,
    )
    expect(readStreamText(text).answer.choices).toMatchObject([
      { blocks: [{ type: 'text', text: 'y' }], finish: { reason: 'stop' } },
    ])
    expect(how.losses.list.map(({ path }) => path)).toEqual(['content[0]'])
  })

  it('writes the stop reason of a refusal', () => {
    const text = writeEvents([{ type: 'start' }, open(0, prose('refusal')), words(0, 'No'), close(0), finish('stop')])
    expect(readStreamText(text).answer.choices).toMatchObject([
      { blocks: [{ type: 'text', text: 'No' }], finish: { reason: 'refusal' } },
    ])
  })

  it('writes a correct empty stream, and an error', () => {
    expect(recordsOf(writeEvents([])).map(({ type }) => type)).toEqual([
      'message_start',
      'message_delta',
      'message_stop',
    ])
    const writer = protocol.writeStream(answerContext())
    const failed = writer.fail(new RelayError('upstream_failed', 'It broke.'))
    expect(failed).toBe('event: error\ndata: {"type":"error","error":{"type":"api_error","message":"It broke."}}\n\n')
  })
})

/** The part of an answer that Messages preserves: signatures may be wrapped, refusals become text. */
function comparable({ choices, usage }: ChatAnswer): unknown {
  const [choice] = choices
  const blocks = choice?.blocks.map((block) => {
    if (block.type === 'reasoning') return { ...block, signature: block.signature?.value || undefined }
    return block.type === 'tool-call' ? { ...block, input: JSON.parse(block.input) as unknown } : block
  })
  return JSON.parse(JSON.stringify({ blocks, finish: choice?.finish, usage }))
}

function anyAnswer(random: () => number): ChatAnswer {
  const count = (): number => Math.floor(random() * 50)
  const signature = { protocol: 'anthropic-messages', value: 'sig' }
  const kinds: (() => Block)[] = [
    () => ({ type: 'text', text: `t${count()}"\\\u2028😀` }),
    () => ({ type: 'reasoning', text: `r${count()}`, ...(random() < 0.5 && { signature }) }),
    () => ({ type: 'reasoning', text: '', signature: { ...signature, id: 'redacted_thinking' } }),
    () => ({ type: 'tool-call', id: `c${count()}`, name: 'f', input: JSON.stringify({ a: count() }) }),
    () => ({
      type: 'foreign',
      protocol: 'anthropic-messages',
      kind: 'server_tool_use',
      value: { type: 'server_tool_use', id: `${count()}` },
    }),
  ]
  const blocks = Array.from({ length: Math.floor(random() * 6) }, () => pick(random, kinds)())
  const reason = blocks.some(({ type }) => type === 'tool-call')
    ? 'tool-calls'
    : pick(random, ['stop', 'length', 'context', 'pause', 'refusal'] as const)
  const cachedInput = count()
  const usage = { input: cachedInput + 10, cachedInput, cacheWriteInput: 3, output: count(), reasoning: 0 }
  return { id: 'msg_1', model: 'm', choices: [{ blocks, finish: { reason } }], usage }
}

describe('round trips', () => {
  it('reads every written answer as the same answer, whole or streamed, with interleaved blocks', () => {
    const random = seeded(7)
    for (let round = 0; round < 300; round++) {
      const answer = anyAnswer(random)
      const events: ChatEvent[] = []
      replayAsEvents(answer, (event) => events.push(event))
      const streamed = readStreamText(writeEvents(interleave(events, random)))
      const whole = protocol.readAnswer(Buffer.from(protocol.writeAnswer(answer, answerContext())), { id: 'x' })
      expect(comparable(whole)).toEqual(comparable(answer))
      expect(comparable(streamed.answer)).toEqual(comparable(answer))
      expect(streamed.state).toBe('over')
      const again = new AnswerCollector()
      for (const event of streamed.events) again.push(event)
      expect(again.answer).toEqual(streamed.answer)
    }
  })
})

/** The same events with the deltas of different blocks mixed: each block's own stay in order, and openings too. */
function interleave(events: readonly ChatEvent[], random: () => number): ChatEvent[] {
  const mixed = [...events]
  for (let swap = 0; swap < 30; swap++) {
    const at = Math.floor(random() * (mixed.length - 1))
    const [first, second] = [mixed[at], mixed[at + 1]]
    if (!first || !second || !('index' in first) || !('index' in second)) continue
    if (first.index === second.index || (first.type === 'block' && second.type === 'block')) continue
    mixed.splice(at, 2, second, first)
  }
  return mixed
}
