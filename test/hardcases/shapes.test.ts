import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { answerJson } from '../scripted-upstream.js'
import { KEY } from '../test-relay.js'
import { answerIn, answerStreamText, type Harness, startHarness } from './harness.js'
import {
  chunk,
  dataRecord,
  dig,
  messageStart,
  namedRecord,
  protocolFixtures,
  protocolNames,
} from './protocol-fixtures.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup)
})
afterEach(() => cleanup.run())

describe('streams of Chat Completions', () => {
  const piece = (index: number, args: string, more: object = {}): string =>
    chunk({ tool_calls: [{ index, function: { arguments: args }, ...more }] })
  const begin = (index: number): string =>
    chunk({
      tool_calls: [{ index, id: `c${index}`, type: 'function', function: { name: `f${index}`, arguments: '' } }],
    })

  it('HC-056: writes interleaved calls as one block after another', async () => {
    harness.upstream.script = answerStreamText(
      [
        begin(0),
        begin(1),
        piece(0, '{"a"'),
        piece(1, '{"b"'),
        piece(0, ':1}'),
        piece(1, ':2}'),
        chunk({}, 'tool_calls'),
        dataRecord('[DONE]'),
      ].join(''),
    )
    const client = new Anthropic({ baseURL: harness.origin, apiKey: KEY, maxRetries: 0 })
    const message = await client.messages
      .stream({ model: 'chat/m', max_tokens: 100, messages: [{ role: 'user', content: 'x' }] })
      .finalMessage()
    expect(message.content).toMatchObject([
      { type: 'tool_use', id: 'c0', name: 'f0', input: { a: 1 } },
      { type: 'tool_use', id: 'c1', name: 'f1', input: { b: 2 } },
    ])
  })

  it('HC-057, HC-058: numbers calls without other blocks, and writes an empty object for a call without input', async () => {
    const blocks: object[] = [
      { type: 'thinking', thinking: '', signature: '' },
      { type: 'text', text: '' },
      { type: 'tool_use', id: 'a', name: 'f', input: {} },
      { type: 'tool_use', id: 'b', name: 'g', input: {} },
    ]
    const records = blocks.flatMap((content_block, index) => [
      { type: 'content_block_start', index, content_block },
      ...(index < 2
        ? []
        : [{ type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json: '' } }]),
      { type: 'content_block_stop', index },
    ])
    const end = [{ type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: {} }, { type: 'message_stop' }]
    harness.upstream.script = answerStreamText(
      [{ type: 'message_start', message: messageStart }, ...records, ...end].map(namedRecord).join(''),
    )
    const response = await harness.ask('chat', 'messages/m', { stream: true })
    const calls = response.records.flatMap((record) => dig(record, 'choices', 0, 'delta', 'tool_calls', 0) ?? [])
    expect(calls.filter((call) => dig(call, 'id')).map((call) => [dig(call, 'index'), dig(call, 'id')])).toEqual([
      [0, 'a'],
      [1, 'b'],
    ])
    for (const index of [0, 1]) {
      const own = calls.filter((call) => dig(call, 'index') === index)
      expect(own.map((call) => dig(call, 'function', 'arguments')).join('')).toBe('{}')
    }
  })

  it('HC-072: ignores records that hold only filter results', async () => {
    const filter = dataRecord({ choices: [], created: 0, id: '', model: '', object: '', prompt_filter_results: [{}] })
    const offsets = dataRecord({
      id: '',
      choices: [{ index: 0, finish_reason: null, content_filter_results: {}, content_filter_offsets: {} }],
    })
    harness.upstream.script = answerStreamText(
      filter + chunk({ content: 'ab' }) + offsets + chunk({}, 'stop') + dataRecord('[DONE]'),
    )
    for (const from of ['messages', 'responses', 'gemini'] as const) {
      const { records, text } = await harness.ask(from, 'chat/m', { stream: true })
      expect(protocolFixtures[from].textOfRecords(records)).toBe('ab')
      expect(text).toMatch(protocolFixtures[from].endOfStream)
      expect(text).not.toContain('"id":""')
    }
  })

  it('HC-073: accepts a missing finish_reason and a null delta', async () => {
    const bare = dataRecord({ id: 'x', choices: [{ index: 0, delta: { content: 'ab' } }] })
    harness.upstream.script = answerStreamText(bare + chunk(null, 'stop') + dataRecord('[DONE]'))
    for (const from of ['messages', 'responses', 'gemini'] as const)
      expect(protocolFixtures[from].textOfRecords((await harness.ask(from, 'chat/m', { stream: true })).records)).toBe(
        'ab',
      )
    harness.upstream.script = answerIn('messages', 'ab')
    for (const record of (await harness.ask('chat', 'messages/m', { stream: true })).records) {
      expect(dig(record, 'choices', 0)).toHaveProperty('finish_reason')
      expect(dig(record, 'choices', 0, 'delta')).toBeTypeOf('object')
    }
  })

  it('HC-074: corrects the finish reason stop after a tool call', async () => {
    const call = { index: 0, id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }
    harness.upstream.script = answerStreamText(chunk({ tool_calls: [call] }) + chunk({}, 'stop') + dataRecord('[DONE]'))
    expect((await harness.ask('messages', 'chat/m', { stream: true })).text).toContain('"stop_reason":"tool_use"')
    const message = { role: 'assistant', content: null, tool_calls: [call] }
    harness.upstream.script = answerJson({ choices: [{ index: 0, message, finish_reason: 'stop' }] })
    expect((await harness.ask('messages', 'chat/m')).json).toMatchObject({ stop_reason: 'tool_use' })
  })

  it('HC-078: writes usage once, as the last chunk, if the request asks for it', async () => {
    harness.upstream.script = answerIn('messages', 'ab')
    const without = await harness.ask('chat', 'messages/m', { stream: true })
    expect(without.text).not.toContain('"usage"')
    expect(harness.records[0]).toMatchObject({ inputTokens: 5, outputTokens: 2 })
    const withUsage = await harness.ask('chat', 'messages/m', {
      stream: true,
      with: { stream_options: { include_usage: true } },
    })
    const counts = withUsage.records.map((record) => dig(record, 'usage')).filter(Boolean)
    expect(counts).toHaveLength(1)
    expect(withUsage.records.at(-1)).toMatchObject({ choices: [], usage: counts[0] })
    harness.upstream.script = answerIn('chat', 'ab')
    await harness.ask('messages', 'chat/m', { stream: true })
    expect(harness.sent()).toMatchObject({ stream_options: { include_usage: true } })
  })
})

describe('the official clients read every stream', () => {
  it.each(protocolNames)('HC-060, HC-061: OpenAI’s stream helper, from %s', async (to) => {
    harness.upstream.script =
      to === 'chat'
        ? answerStreamText(
            chunk({ reasoning_content: 'hm' }) +
              chunk({ content: 'ab' }) +
              begun +
              chunk({}, 'tool_calls') +
              dataRecord('[DONE]'),
          )
        : answerIn(to, 'a', 'b')
    const client = new OpenAI({ baseURL: `${harness.origin}/v1`, apiKey: KEY, maxRetries: 0 })
    const numbers: number[] = []
    const stream = client.responses.stream({ model: `${to}/m`, input: 'x' })
    stream.on('event', (event) => void numbers.push(event.sequence_number))
    const response = await stream.finalResponse()
    expect(response.output_text).toBe('ab')
    expect(numbers).toEqual(numbers.map((_, index) => index))
    if (to === 'chat')
      expect(response.output.map(({ type }) => type)).toEqual(['reasoning', 'message', 'function_call'])
  })

  const begun = chunk({
    tool_calls: [{ index: 0, id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
  })

  it.each(protocolNames)('HC-064, HC-065: Anthropic’s client, from %s', async (to) => {
    harness.upstream.script = answerIn(to, 'a', 'b')
    const client = new Anthropic({ baseURL: harness.origin, apiKey: KEY, maxRetries: 0 })
    const message = await client.messages
      .stream({ model: `${to}/m`, max_tokens: 100, messages: [{ role: 'user', content: 'x' }] })
      .finalMessage()
    expect(message).toMatchObject({
      content: [{ type: 'text', text: 'ab' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 5, output_tokens: 2 },
    })
  })

  it.each(protocolNames)('HC-066: Google’s client, from %s', async (to) => {
    harness.upstream.script = answerIn(to, 'a', 'b')
    const client = new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: harness.origin } })
    let text = ''
    for await (const { text: piece } of await client.models.generateContentStream({ model: `${to}/m`, contents: 'x' }))
      text += piece ?? ''
    expect(text).toBe('ab')
  })
})

describe('HC-062: a Responses stream with an unusual end is complete', () => {
  const good = protocolFixtures.responses.streamed('ab')
  it.each([
    ['with another event name', good.replaceAll('response.completed', 'response.done')],
    [
      'without the output in the last record',
      good.replace(/("type":"response.completed".*?"output":)\[.*?\](,"usage")/, '$1[]$2'),
    ],
    ['without a blank line at the end', good.trimEnd()],
  ])('%s', async (_how, text) => {
    expect(text).not.toBe(good)
    harness.upstream.script = answerStreamText(text)
    for (const from of ['chat', 'messages', 'gemini'] as const) {
      const response = await harness.ask(from, 'responses/m', { stream: true })
      expect(protocolFixtures[from].textOfRecords(response.records)).toBe('ab')
      expect(response.text).toMatch(protocolFixtures[from].endOfStream)
      expect(protocolFixtures[from].textOfAnswer((await harness.ask(from, 'responses/m')).json)).toBe('ab')
    }
  })
})
