import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { answerJson, answerStream } from '../scripted-upstream.js'
import { pause, until } from '../until.js'
import { answerIn, answerStreamText, type ClientResponse, type Harness, startHarness } from './harness.js'
import { chunk, dataRecord, dig, type ProtocolName, protocolFixtures, protocolNames } from './protocol-fixtures.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup)
})
afterEach(() => cleanup.run())

const pairs = protocolNames.flatMap((from) => protocolNames.map((to): [ProtocolName, ProtocolName] => [from, to]))

/** The text of a complete, successful stream. */
function wordsOf(from: ProtocolName, { status, text, records }: ClientResponse): string {
  expect(status, text).toBe(200)
  expect(text).toMatch(protocolFixtures[from].endOfStream)
  return protocolFixtures[from].textOfRecords(records)
}

describe('HC-121: an upstream that ignores the stream flag', () => {
  it.each(pairs)('streams a whole answer to %s clients of a %s upstream', async (from, to) => {
    harness.upstream.script = answerJson(protocolFixtures[to].whole('all of it'))
    const response = await harness.ask(from, `${to}/m`, { stream: true })
    expect(wordsOf(from, response)).toBe('all of it')
    expect(response.headers.get('content-type')).toMatch('text/event-stream')
    expect(harness.records[0]).toMatchObject({ outcome: 'complete', inputTokens: 5, outputTokens: 2 })
  })

  it.each(pairs)('collects a stream into a whole answer for %s clients of a %s upstream', async (from, to) => {
    harness.upstream.script = answerStreamText(protocolFixtures[to].streamed('all', ' of', ' it'))
    const response = await harness.ask(from, `${to}/m`)
    expect(response.status, response.text).toBe(200)
    expect(protocolFixtures[from].textOfAnswer(response.json)).toBe('all of it')
    expect(response.headers.get('content-type')).toMatch('application/json')
    expect(harness.records[0]).toMatchObject({ outcome: 'complete', inputTokens: 5, outputTokens: 2 })
  })

  it.each(['text/event-stream; charset=utf-8', 'application/x-ndjson', 'text/plain', 'application/octet-stream'])(
    'reads a stream with content type %s',
    async (type) => {
      for (const to of protocolNames) {
        const records = protocolFixtures[to].streamed('a', 'b')
        harness.upstream.script = (_req, res) => void res.writeHead(200, { 'content-type': type }).end(records)
        const response = await harness.ask('messages', `${to}/m`, { stream: true })
        expect(wordsOf('messages', response)).toBe('ab')
      }
    },
  )
})

describe('HC-112: a stream split in two at any byte', () => {
  const EVERY = 19

  it.each(protocolNames)('from %s', async (to) => {
    const bytes = Buffer.from(protocolFixtures[to].streamed('häl', 'lo 👍'))
    const from = to === 'chat' ? 'gemini' : 'chat'
    const cuts: number[] = []
    harness.upstream.script = (req, res, seen) => {
      const cut = 1 + cuts.length * EVERY
      cuts.push(cut)
      return answerStream([bytes.subarray(0, cut), bytes.subarray(cut)], 2)(req, res, seen)
    }
    const requests = Array.from({ length: Math.floor(bytes.length / EVERY) }, async () => {
      expect(wordsOf(from, await harness.ask(from, `${to}/m`, { stream: true }))).toBe('hällo 👍')
    })
    await Promise.all(requests)
    expect(cuts.at(-1)).toBeGreaterThan(bytes.length - 2 * EVERY)
  })
})

describe('records', () => {
  const spoiled = (change: (text: string) => string) => async (): Promise<void> => {
    for (const to of protocolNames) {
      harness.upstream.script = answerStreamText(change(protocolFixtures[to].streamed('a', 'b')))
      const from = to === 'chat' ? 'responses' : 'chat'
      expect(wordsOf(from, await harness.ask(from, `${to}/m`, { stream: true }))).toBe('ab')
    }
  }

  it(
    'HC-113: may have CR LF as line ends',
    spoiled((text) => text.replaceAll('\n', '\r\n')),
  )
  it(
    'HC-113: may have CR as line ends',
    spoiled((text) => text.replaceAll('\n', '\r')),
  )
  it(
    'HC-113: may mix line ends',
    spoiled((text) => text.replaceAll('\n\n', '\n\r\n')),
  )
  it(
    'HC-114: need no space after the colon',
    spoiled((text) => text.replaceAll('data: ', 'data:')),
  )
  it(
    'HC-114: may follow a BOM',
    spoiled((text) => `\ufeff${text}`),
  )
  it(
    'HC-114: may have several data lines',
    spoiled((text) => text.replaceAll(/data: \{("[^"]+"):/g, 'data: {$1:\ndata: ')),
  )
  it(
    'HC-114: may be mixed with comments and unknown fields',
    spoiled((text) => `: hi\n\nretry: 5\nid: 7\n\n${text}`),
  )
})

describe('HC-116: blank lines before a whole answer', () => {
  it.each(protocolNames)('are skipped, from %s', async (to) => {
    harness.upstream.script = answerStream(['\n\n', '\n \n', JSON.stringify(protocolFixtures[to].whole('ab'))], 5)
    for (const from of protocolNames) {
      const response = await harness.ask(from, `${to}/m`)
      expect([response.status, protocolFixtures[from].textOfAnswer(response.json)]).toEqual([200, 'ab'])
    }
  })

  it('do not commit the response: the status can still be an error', async () => {
    harness.upstream.script = answerStream(['\n\n', '\n\n', '{"error":{"message":"Busy","code":503}}'], 5)
    expect(await harness.ask('messages', 'chat/m')).toMatchObject({ status: 503, json: { error: { message: 'Busy' } } })
  })
})

describe('HC-117: the end marker of a stream', () => {
  const before = chunk({ content: 'ab' }) + chunk({}, 'stop')
  it.each([
    ['without a space', `${before}data:[DONE]\n\n`],
    ['with a trailing space', `${before}data: [DONE] \n\n`],
    ['twice', `${before}${dataRecord('[DONE]')}${dataRecord('[DONE]')}`],
    ['with more records after it', `${before}${dataRecord('[DONE]')}${chunk({ content: 'more' })}data: nonsense\n\n`],
    ['with an event name', `${before}event: done\ndata: [DONE]\n\n`],
    ['is missing after a finish reason', before],
  ])('%s', async (_how, text) => {
    harness.upstream.script = answerStreamText(text)
    for (const from of ['messages', 'responses', 'gemini'] as const) {
      expect(wordsOf(from, await harness.ask(from, 'chat/m', { stream: true }))).toBe('ab')
    }
    expect(harness.records.map(({ outcome }) => outcome)).toEqual(['complete', 'complete', 'complete'])
  })

  it('ends the stream, even if the upstream keeps the connection open', async () => {
    harness.upstream.script = (_req, res) => void res.writeHead(200).write(before + dataRecord('[DONE]'))
    expect(wordsOf('messages', await harness.ask('messages', 'chat/m', { stream: true }))).toBe('ab')
    await until(() => harness.upstream.running.size === 0)
  })
})

describe('HC-118: an incomplete record', () => {
  const broken: Record<ProtocolName, string> = {
    chat: `${chunk({ content: 'ab' })}data: {"choices":[{"delta":{"content":"a"}}]\n\n`,
    responses: `${protocolFixtures.responses.streamed('ab').split('event: response.output_text.done')[0]}data: {"type":"resp\n\n`,
    messages: `${protocolFixtures.messages.streamed('ab').split('event: content_block_stop')[0]}data: {"type":"content_\n\n`,
    gemini: `${protocolFixtures.gemini.streamed('ab').split('data: ')[1]?.replace(/^/, 'data: ')}data: {"candidates":[\n\n`,
  }

  it.each(pairs.filter(([from, to]) => from !== to))(
    'ends the stream with an error for %s clients of a %s upstream',
    async (from, to) => {
      harness.upstream.script = answerStreamText(broken[to] + protocolFixtures[to].streamed('later'))
      const { text, records } = await harness.ask(from, `${to}/m`, { stream: true })
      expect(protocolFixtures[from].textOfRecords(records)).toBe('ab')
      expect(text).not.toMatch(protocolFixtures[from].endOfStream)
      expect(text).not.toContain('later')
      expect(JSON.stringify(records.at(-1))).toMatch(/"error"/)
      expect(harness.records[0]).toMatchObject({ outcome: 'failed' })
    },
  )
})

describe('HC-120: characters', () => {
  it('joins the halves of a surrogate pair', async () => {
    harness.upstream.script = answerStreamText(
      `data: {"choices":[{"index":0,"delta":{"content":"a\\ud83d"}}]}\n\ndata: {"choices":[{"index":0,"delta":{"content":"\\ude00b"}}]}\n\n` +
        chunk({}, 'stop') +
        dataRecord('[DONE]'),
    )
    for (const from of ['messages', 'responses', 'gemini'] as const) {
      const response = await harness.ask(from, 'chat/m', { stream: true })
      expect(wordsOf(from, response)).toBe('a😀b')
      expect(response.text).not.toContain('\ufffd')
    }
  })

  it('escapes characters that some parsers take for line ends', async () => {
    for (const to of protocolNames) {
      harness.upstream.script = answerIn(to, 'a\u2028b\u2029c\u0085d')
      for (const from of protocolNames.filter((language) => language !== to)) {
        const response = await harness.ask(from, `${to}/m`, { stream: true })
        expect(wordsOf(from, response)).toBe('a\u2028b\u2029c\u0085d')
        expect(response.text).not.toMatch(/[\u2028\u2029\u0085]/)
      }
    }
  })
})

describe('HC-122: an upstream that falls silent', () => {
  const slow = { idleMs: 60, firstOutputMs: 80, headersMs: 80, connectMs: 1000 }
  const quiet = async (): Promise<Harness> => {
    const provider = {
      type: 'anthropic',
      apiKey: 'sk-upstream-000000A1',
      baseURL: `http://127.0.0.1:${harness.upstream.port}`,
      timeouts: slow,
    }
    const second = await startHarness(cleanup, { providers: { messages: provider } })
    return Object.assign(second, { upstream: harness.upstream })
  }

  it('after the first output ends the stream with an error', async () => {
    const { ask, records } = await quiet()
    const begun = protocolFixtures.messages.streamed('ab').split('event: content_block_stop')[0] ?? ''
    harness.upstream.script = (_req, res) => void res.writeHead(200).write(begun)
    const { text } = await ask('chat', 'messages/m', { stream: true })
    expect(text).toMatch(/"ab"[\s\S]*"error"/)
    expect(text).not.toContain('[DONE]')
    expect(records[0]).toMatchObject({ outcome: 'cut', error: 'timeout' })
  })

  it('before the first output is a 504, also with pings', async () => {
    const { ask } = await quiet()
    harness.upstream.script = async (_req, res) => {
      res.writeHead(200)
      while (!res.destroyed) {
        res.write('event: ping\ndata: {"type":"ping"}\n\n')
        await pause(20)
      }
    }
    const { status, json } = await ask('chat', 'messages/m', { stream: true })
    expect([status, dig(json, 'error', 'code')]).toEqual([504, 'timeout'])
  })
})
