import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { answerJson, answerStream, type Script } from '../scripted-upstream.js'
import { pause } from '../until.js'
import { answerIn, answerStreamText, type Harness, type Model, providersAt, startHarness } from './harness.js'
import {
  chunk,
  dataRecord,
  dig,
  messageStart,
  namedRecord,
  type ProtocolName,
  protocolFixtures,
  protocolNames,
} from './protocol-fixtures.js'

const cleanup = new Cleanup()
let harness: Harness
/** Has two targets per model: the upstream under test, then a working one in Messages. */
let pair: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup, { health: { failures: 99 }, retry: { attempts: 1 } })
  const well = await startHarness(cleanup)
  well.upstream.script = answerIn('messages', 'second')
  const { messages } = providersAt(well.upstream.port)
  const models = Object.fromEntries(protocolNames.map((to) => [`${to}/m`, [`${to}/m`, 'well/m']]))
  pair = await startHarness(cleanup, {
    providers: { ...providersAt(harness.upstream.port), well: messages as never },
    models,
  })
})
afterEach(() => cleanup.run())

const html = '<html><body>nginx at llm-7.prod.internal</body></html>'
const page = (status: number, text = html): Script => answerJson(text, status, { 'content-type': 'text/html' })
const broken = dataRecord({
  choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error', native_finish_reason: 'network_error' }],
})

describe('a failed answer before any output', () => {
  const rows: [string, ProtocolName, Script, string | number][] = [
    ['HC-092: finish_reason error', 'chat', answerStreamText(broken), 'invalid'],
    [
      'HC-092: native_finish_reason error',
      'chat',
      answerStreamText(
        dataRecord({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', native_finish_reason: 'error' }] }),
      ),
      'invalid',
    ],
    [
      'HC-093: an error with status 200',
      'chat',
      answerJson({ error: { message: 'Provider returned error', code: 429 } }),
      429,
    ],
    [
      'HC-093: an error with status 200',
      'gemini',
      answerJson({ error: { code: 429, message: 'slow', status: 'RESOURCE_EXHAUSTED' } }),
      429,
    ],
    [
      'HC-093: an error with status 200',
      'messages',
      answerJson({ type: 'error', error: { type: 'overloaded_error', message: 'no' } }),
      529,
    ],
    [
      'HC-093: a failed response',
      'responses',
      answerJson({ object: 'response', status: 'failed', error: { code: 'server_error', message: 'no' } }),
      500,
    ],
    [
      'HC-094: an error event after message_start',
      'messages',
      answerStreamText(
        namedRecord({ type: 'message_start', message: messageStart }) +
          namedRecord({ type: 'ping' }) +
          namedRecord({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
      ),
      529,
    ],
    ...protocolNames.flatMap((to): [string, ProtocolName, Script, string | number][] => [
      ['HC-097: an empty stream', to, answerStream([]), 'invalid'],
      ['HC-097: an empty JSON body', to, answerJson(''), 'invalid'],
      ['HC-097: null', to, answerJson('null'), 'invalid'],
      ['HC-098: an HTML page with status 502', to, page(502), 502],
      ['HC-098: an HTML page with status 200', to, page(200), 'invalid'],
      ['HC-098: 524', to, page(524), 524],
    ]),
  ]

  it.each(rows)('%s from %s: fails over to the next target', async (_what, to, script, status) => {
    harness.upstream.script = script
    for (const stream of [false, true]) {
      const from = to === 'chat' ? 'messages' : 'chat'
      const response = await pair.ask(from, `${to}/m`, { stream })
      expect(response.status, response.text).toBe(200)
      expect(response.text).toContain('second')
      expect(pair.records.at(-1)?.attempts[0]).toEqual({ target: `${to}/m`, status })
      // A 429 causes a short cooldown. The next request must find the channel available.
      await pause(30)
    }
  })

  it.each(protocolNames)(
    'HC-098: answers %s clients with a JSON error of the same status class, without the HTML',
    async (from) => {
      for (const to of protocolNames) {
        for (const [script, status] of [
          [page(502), 502],
          [page(524), 504],
          [page(200), 502],
          [page(400, ''), 400],
        ] as const) {
          harness.upstream.script = script
          const { status: told, json, text } = await harness.ask(from, `${to}/m`)
          expect([told, typeof dig(json, 'error', 'message')]).toEqual([status, 'string'])
          expect(text).not.toMatch(/nginx|<html|internal|context_length/)
        }
      }
    },
  )
})

describe('HC-096: a stream without its end marker', () => {
  const cut: Record<ProtocolName, string> = {
    chat: chunk({ content: 'half' }),
    responses: protocolFixtures.responses.streamed('half').split('event: response.completed')[0] ?? '',
    messages: protocolFixtures.messages.streamed('half').split('event: message_stop')[0] ?? '',
    gemini: dataRecord({ candidates: [{ index: 0, content: { role: 'model', parts: [{ text: 'half' }] } }] }),
  }

  it.each(protocolNames.flatMap((from) => protocolNames.map((to): [ProtocolName, ProtocolName] => [from, to])))(
    'ends with an error for %s clients of a %s upstream',
    async (from, to) => {
      harness.upstream.script = answerStreamText(cut[to])
      const { text, records } = await harness.ask(from, `${to}/m`, { stream: true })
      expect(protocolFixtures[from].textOfRecords(records)).toBe('half')
      expect(records.at(-1)).toHaveProperty(from === 'responses' ? 'type' : 'error')
      // No end marker follows the text.
      expect(text.split('"half"').pop()).not.toMatch(protocolFixtures[from].endOfStream)
      expect(harness.records[0]?.outcome).toBe('cut')
    },
  )

  it('is an error where the client asked for a whole answer', async () => {
    for (const to of protocolNames) {
      harness.upstream.script = answerStreamText(cut[to])
      expect((await harness.ask('messages', `${to}/m`)).status).toBe(502)
    }
  })
})

describe('HC-094: an error after output', () => {
  it.each(protocolNames)('ends the stream of %s clients with the error, and without an end marker', async (from) => {
    const begun = protocolFixtures.messages.streamed('half').split('event: content_block_stop')[0] ?? ''
    harness.upstream.script = answerStreamText(
      begun + namedRecord({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
    )
    const { text, records } = await harness.ask(from, 'messages/m', { stream: true })
    expect(protocolFixtures[from].textOfRecords(records)).toBe('half')
    expect(JSON.stringify(records.at(-1))).toContain('Overloaded')
    expect(text).not.toMatch(protocolFixtures[from].endOfStream)
    expect(harness.records[0]?.outcome).toBe('failed')
  })
})

describe('HC-104: a prompt that is too long', () => {
  const message = 'prompt is too long: 210000 tokens > 200000 maximum'
  const rows: [ProtocolName, object][] = [
    [
      'chat',
      {
        error: { message: "This model's maximum context length is 32768 tokens.", type: 'BadRequestError', code: 400 },
      },
    ],
    ['chat', { error: { message: 'x', type: 'invalid_request_error', code: 'context_length_exceeded' } }],
    ['messages', { type: 'error', error: { type: 'invalid_request_error', message } }],
    [
      'gemini',
      {
        error: {
          code: 400,
          message: 'The input token count (1200000) exceeds the maximum number of tokens',
          status: 'INVALID_ARGUMENT',
        },
      },
    ],
  ]

  it.each(rows)('has the code context_length_exceeded from %s: %j', async (to, body) => {
    harness.upstream.script = answerJson(body, 400)
    const { status, json } = await harness.ask('responses', `${to}/m`)
    expect([status, dig(json, 'error', 'code')]).toEqual([400, 'context_length_exceeded'])
    expect(dig(json, 'error', 'message')).toBe(dig(body, 'error', 'message'))
    // Claude Code matches this text.
    expect(dig((await harness.ask('messages', `${to}/m`)).json, 'error', 'message')).toMatch(/^prompt is too long/)
    const { relay } = harness
    expect(relay.explain(`${to}/m`).targets[0]?.credentials[0]?.cooldownMs).toBe(0)
    expect((await pair.ask('responses', `${to}/m`)).status).toBe(400)
  })

  it('goes to the targets of onContextTooLong, and no other error does', async () => {
    harness.upstream.script = (req, res, seen) =>
      (seen.url === '/v1/messages'
        ? answerJson({ type: 'error', error: { type: 'invalid_request_error', message } }, 400)
        : answerIn('gemini', 'long'))(req, res, seen)
    const models = { 'messages/m': { targets: ['messages/m'], onContextTooLong: ['gemini/m'] } }
    const hop = await startHarness(cleanup, { providers: providersAt(harness.upstream.port), models })
    expect(protocolFixtures.chat.textOfAnswer((await hop.ask('chat', 'messages/m')).json)).toBe('long')
    harness.upstream.script = answerJson(
      { type: 'error', error: { type: 'invalid_request_error', message: 'code: context' } },
      400,
    )
    expect((await hop.ask('chat', 'messages/m')).status).toBe(400)
  })
})

it('HC-105: falls back after a content filter only where the config says so', async () => {
  const filtered = {
    error: { message: 'filtered', type: 'invalid_request_error', param: null, code: 'content_filter' },
  }
  harness.upstream.script = (req, res, seen) =>
    (seen.url.includes('chat') ? answerJson(filtered, 400) : answerIn('gemini', 'other'))(req, res, seen)
  expect(await pair.ask('messages', 'chat/m')).toMatchObject({ status: 400, json: { error: { message: 'filtered' } } })
  const models = { 'chat/m': { targets: ['chat/m'], onContentFilter: ['gemini/m'] } }
  const hop = await startHarness(cleanup, { providers: providersAt(harness.upstream.port), models })
  expect(protocolFixtures.messages.textOfAnswer((await hop.ask('messages', 'chat/m')).json)).toBe('other')
  expect(hop.relay.explain('chat/m').targets[0]?.credentials[0]?.cooldownMs).toBe(0)
})

describe('HC-106: errors of the request and of the credential', () => {
  it.each([400, 404, 413, 422])('returns %d to the client without another attempt', async (status) => {
    for (const to of protocolNames) {
      harness.upstream.script = answerJson({ type: 'error', error: { type: 'x', message: 'your fault' } }, status)
      const { status: told, json } = await pair.ask('chat', `${to}/m` as Model)
      expect([told, dig(json, 'error', 'message')]).toEqual([status, 'your fault'])
      expect(pair.records.at(-1)?.attempts).toHaveLength(1)
    }
  })

  it.each([401, 402, 403])('answers 502 if the upstream answers %d to the relay’s own key', async (status) => {
    for (const [from, to] of [
      ['chat', 'messages'],
      ['messages', 'chat'],
      ['gemini', 'responses'],
      ['responses', 'gemini'],
    ] as const) {
      harness.upstream.script = answerJson(
        { error: { message: 'Incorrect API key sk-proj-****abcd of org-xyz1234', code: status } },
        status,
      )
      const { status: told, text } = await (
        await startHarness(cleanup, { providers: providersAt(harness.upstream.port) })
      ).ask(from, `${to}/m`)
      expect(told).toBe(502)
      expect(text).not.toMatch(/sk-proj|org-xyz/)
      expect((await pair.ask(from, `${to}/m`)).status).toBe(200)
    }
  })
})
