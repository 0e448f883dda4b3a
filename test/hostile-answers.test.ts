import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChatEvent } from '../src/chat/events.js'
import { MARK, wrapSignature } from '../src/chat/signatures.js'
import { RecordGatherer, readRecords } from '../src/lib/sse.js'
import { protocolOf } from '../src/protocols/index.js'
import type { ProtocolId } from '../src/protocols/protocol.js'
import { Cleanup } from './cleanup.js'
import {
  answerIn,
  answerStreamText,
  type ClientResponse,
  type Harness,
  OTHER_KEY,
  startHarness,
} from './hardcases/harness.js'
import {
  chunk,
  dataRecord,
  dig,
  namedRecord,
  type ProtocolName,
  protocolFixtures,
  protocolNames,
} from './hardcases/protocol-fixtures.js'
import { answerJson, inTurn, type Script } from './scripted-upstream.js'
import { until } from './until.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup, { retry: { attempts: 1 }, health: { failures: 1000 } })
})
afterEach(() => cleanup.run())

function cpuMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  return process.cpuUsage(before).user / 1000
}

const many = <Item>(make: (at: number) => Item, count: number): Item[] =>
  Array.from({ length: count }, (_, at) => make(at))
const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
const spliced = (text: string): string => text.replaceAll('"DEEP"', deep)
const fragment = (...parts: object[]): object => ({ candidates: [{ content: { parts }, finishReason: 'STOP' }] })
const calls = { tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: 'DEEP' } }] }

/** Answers with a call whose input is nested too deeply: whole, and streamed after the first output. */
const DEEP: Readonly<Record<ProtocolName, { whole: object; streamed: string }>> = {
  chat: {
    whole: { choices: [{ index: 0, message: calls, finish_reason: 'tool_calls' }] },
    streamed: [chunk({ content: 'hi' }), chunk(calls), chunk({}, 'tool_calls'), dataRecord('[DONE]')].join(''),
  },
  responses: {
    whole: { status: 'completed', output: [{ type: 'function_call', call_id: 'c', name: 'f', arguments: 'DEEP' }] },
    streamed: [
      { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'hi' },
      {
        type: 'response.output_item.done',
        output_index: 1,
        item: { type: 'function_call', call_id: 'c', name: 'f', arguments: 'DEEP' },
      },
      { type: 'response.completed', response: { status: 'completed', output: [] } },
    ]
      .map(namedRecord)
      .join(''),
  },
  messages: {
    whole: {
      type: 'message',
      content: [{ type: 'tool_use', id: 'c', name: 'f', input: 'DEEP' }],
      stop_reason: 'tool_use',
    },
    streamed: [
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hi' } },
      { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', id: 'c', name: 'f', input: 'DEEP' } },
      { type: 'content_block_stop', index: 1 },
      { type: 'message_stop' },
    ]
      .map(namedRecord)
      .join(''),
  },
  gemini: {
    whole: fragment({ functionCall: { name: 'f', args: 'DEEP' } }),
    streamed:
      dataRecord({ candidates: [{ content: { parts: [{ text: 'hi' }] } }] }) +
      dataRecord(fragment({ functionCall: { name: 'f', args: 'DEEP' } })),
  },
}

const pairs = protocolNames.flatMap((from) =>
  protocolNames.filter((to) => to !== from).map((to) => [from, to] as const),
)

/** Checks that a call failed without an end marker, and was recorded once. */
async function failed(response: ClientResponse, from: ProtocolName, status: number): Promise<void> {
  expect(response.status, response.text.slice(0, 300)).toBe(status)
  expect(response.text).not.toMatch(protocolFixtures[from].endOfStream)
  expect(response.text).toContain('too deep or too large')
  await until(() => harness.records.length > 0)
  expect(harness.records.splice(0).map(({ outcome }) => outcome)).toEqual([status === 200 ? 'cut' : 'failed'])
}

describe('an answer that is too deep or too large is an upstream error', () => {
  it.each(pairs)('for %s clients of a %s upstream, whole and streamed', async (from, to) => {
    const { whole, streamed } = DEEP[to]
    harness.upstream.script = answerJson(spliced(JSON.stringify(whole)))
    await failed(await harness.ask(from, `${to}/m`), from, 502)
    // The relay parses a whole Gemini answer before it commits.
    await failed(await harness.ask(from, `${to}/m`, { stream: true }), from, to === 'gemini' ? 502 : 200)
    harness.upstream.script = answerStreamText(spliced(streamed))
    await failed(await harness.ask(from, `${to}/m`, { stream: true }), from, 200)
  })

  it('also if it is compressed', async () => {
    const packed = gzipSync(spliced(DEEP.messages.streamed))
    harness.upstream.script = (_req, res) => void res.writeHead(200, { 'content-encoding': 'gzip' }).end(packed)
    await failed(await harness.ask('chat', 'messages/m', { stream: true }), 'chat', 200)
  })

  it('but a call as deep in a request is passed on', async () => {
    harness.upstream.script = answerJson(fragment({ functionCall: { name: 'f', args: {} }, thoughtSignature: 'c2ln' }))
    await harness.ask('chat', 'gemini/gemini-3-pro')
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: deep } }
    const messages = [
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: 'r' },
    ]
    await harness.expectAccepted('chat', 'gemini/gemini-3-pro', { messages })
  })
})

/** Reads the events of a stream, without a socket. */
function read(protocol: ProtocolId, ...records: readonly object[]): ChatEvent[] {
  const events: ChatEvent[] = []
  const reader = protocolOf(protocol).readStream({ id: 'made' })
  for (const record of records)
    reader.read({ event: undefined, data: JSON.stringify(record) }, (event) => events.push(event))
  return events
}

describe('the cost of a stream is linear', () => {
  const limit = 2500

  it('for a record of 32 MB in chunks of 1 kB', () => {
    const gatherer = new RecordGatherer()
    const piece = Buffer.alloc(1024, 'a')
    expect(cpuMs(() => many(() => gatherer.push(piece), 32 * 1024))).toBeLessThan(limit)
    expect(gatherer.push(Buffer.from('\n\ndata: x')).length).toBe(32 * 1024 * 1024 + 2)
    expect(gatherer.rest().toString()).toBe('data: x')
  })

  it('for many lines before a lone carriage return', () => {
    const bytes = Buffer.from(`${'data:x\n\n'.repeat(400_000)}\r`)
    expect(cpuMs(() => expect(readRecords(bytes)).toHaveLength(400_000))).toBeLessThan(limit)
  })

  it('for calls and items with any numbers', () => {
    const call = (index: number): object => ({ index, id: `c${index}`, function: { name: 'f', arguments: '{}' } })
    const told = many((at) => ({ choices: [{ index: 0, delta: { tool_calls: [call(at), call(at)] } }] }), 60_000)
    expect(cpuMs(() => read('openai-chat', ...told))).toBeLessThan(limit)
    const done = (at: number): object => ({ type: 'reasoning', id: `i${at}`, summary: [] })
    const items = many((at) => ({ type: 'response.output_item.done', item: done(at) }), 60_000)
    expect(cpuMs(() => read('openai-responses', ...items))).toBeLessThan(limit)
  })

  it('for audio', () => {
    const told = many(() => ({ choices: [{ index: 0, delta: { audio: { data: 'eHh4'.repeat(250) } } }] }), 12_000)
    expect(cpuMs(() => read('openai-chat', ...told))).toBeLessThan(limit)
  })

  it('for indexes that would make huge arrays', () => {
    const grow = (content_index: number): object => ({
      type: 'response.output_text.delta',
      output_index: 0,
      content_index,
      delta: 'x',
    })
    const end = { type: 'response.completed', response: { status: 'completed', output: [] } }
    const events = read('openai-responses', grow(4_000_000_000), grow(300_000_000), end)
    expect(events.filter(({ type }) => type === 'stop')).toHaveLength(2)
    const pieces = ['$.a[0]', '$.a.length', '$.a.length.b'].map((jsonPath) => ({
      jsonPath,
      numberValue: 4_294_967_295,
    }))
    const [, , delta] = read('gemini', fragment({ functionCall: { name: 'f', partialArgs: pieces } }))
    expect(delta).toMatchObject({ type: 'delta', text: '{"a":[4294967295]}' })
  })
})

it('reads infinite token counts as missing', async () => {
  harness.upstream.script = answerJson(JSON.stringify(protocolFixtures.chat.whole('hi')).replace(':5,', ':1e999,'))
  const { json } = await harness.ask('messages', 'chat/m')
  expect(dig(json, 'usage')).toMatchObject({ input_tokens: 0, output_tokens: 2 })
})

it('keeps the signature of a call whose id has a lone surrogate', async () => {
  const call = { functionCall: { id: 'HALF', name: 'f', args: {} }, thoughtSignature: 'c2ln' }
  harness.upstream.script = answerJson(JSON.stringify(fragment(call)).replace('HALF', '\\ud800'))
  const { status, text } = await harness.ask('responses', 'gemini/m')
  expect([status, text]).toEqual([200, expect.stringContaining(MARK)])
})

describe('the marker of wrapped signatures', () => {
  it('in a text changes no byte', async () => {
    for (const words of [MARK, `see ${MARK}eHg=`, `${MARK} is a mark`]) {
      const body = ` {"model": "chat/m", "odd": 1e2, "messages": [{"role": "critic", "content": ${JSON.stringify(words)}}]}`
      expect((await harness.ask('chat', 'chat/m', { body })).status).toBe(200)
      expect(harness.upstream.seen.at(-1)?.body).toBe(body.replace('chat/m', 'm'))
    }
  })

  it('with a damaged signature is sent to nobody', async () => {
    const good = wrapSignature({ protocol: 'anthropic-messages', value: 'v' }, 'someone')
    for (const signature of [good, good.slice(0, -6), `${MARK}eHg=`, `${MARK}!!`]) {
      const thinking = { type: 'thinking', thinking: 'hm', signature }
      const messages = [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: [thinking, { type: 'text', text: 'y' }] },
        { role: 'user', content: 'z' },
      ]
      await harness.expectAccepted('messages', 'messages/m', { messages })
      expect(harness.upstream.seen.at(-1)?.body).not.toContain('thinking')
    }
  })

  it('on another tenant’s call id restores nothing', async () => {
    harness.upstream.script = answerJson(
      fragment({ functionCall: { id: 'c', name: 'f', args: {} }, thoughtSignature: 'U0VDUkVU' }),
    )
    await harness.ask('chat', 'gemini/gemini-3-pro')
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }
    const messages = [
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: 'r' },
    ]
    await harness.ask('chat', 'gemini/gemini-3-pro', { with: { messages }, key: OTHER_KEY })
    expect(harness.upstream.seen.at(-1)?.body).not.toContain('U0VDUkVU')
    await harness.ask('chat', 'gemini/gemini-3-pro', { with: { messages } })
    expect(harness.upstream.seen.at(-1)?.body).toContain('U0VDUkVU')
  })
})

describe('failover across protocols', () => {
  const breaksOff =
    (text: string): Script =>
    (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(text, () => setTimeout(() => res.destroy(), 5))
    }

  it.each(protocolNames)('happens before the first output and not after it, for %s clients', async (from) => {
    const two = await startHarness(cleanup, { retry: { attempts: 3 }, models: { m: ['chat/m', 'messages/m'] } })
    const model = 'm' as 'chat/m'
    two.upstream.script = inTurn(breaksOff(chunk({ role: 'assistant' })), answerIn('messages', 'from ', 'the second'))
    const { text, records } = await two.ask(from, model, { stream: true })
    expect(protocolFixtures[from].textOfRecords(records)).toBe('from the second')
    expect(text).toMatch(protocolFixtures[from].endOfStream)
    two.upstream.script = inTurn(breaksOff(chunk({ content: 'half' })), answerIn('messages', 'again'))
    const before = two.upstream.seen.length
    const cut = await two.ask(from, model, { stream: true })
    expect(cut.text).not.toMatch(protocolFixtures[from].endOfStream)
    expect(two.upstream.seen.length).toBe(before + 1)
    await until(() => two.records.length === 2)
    expect(two.records.map(({ outcome }) => outcome)).toEqual(['complete', 'cut'])
  })
})
