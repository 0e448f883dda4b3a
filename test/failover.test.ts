import { once } from 'node:events'
import http, { type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { nodeRelay } from '../adapters/node.js'
import type { RelayOptions, UsageRecord } from '../src/index.js'
import { Cleanup } from './cleanup.js'
import { listen } from './listen.js'
import { chatRequest, openaiClient, streamedText } from './openai-client.js'
import {
  answerError,
  answerJson,
  answerStream,
  answerWords,
  completion,
  inTurn,
  type Script,
  type ScriptedUpstream,
  startUpstream,
  streamed,
} from './scripted-upstream.js'
import { KEY, providerAt, testRelay } from './test-relay.js'
import { pause, until } from './until.js'

/** The words that an SDK reads from a stream, and the error that it throws. */
async function wordsUntilError(client: OpenAI): Promise<{ words: string[]; error: unknown }> {
  const words: string[] = []
  try {
    for await (const chunk of await client.chat.completions.create({ ...chatRequest(), stream: true }))
      words.push(chunk.choices[0]?.delta.content ?? '')
    return { words, error: undefined }
  } catch (error) {
    return { words, error }
  }
}

const KEYS = ['sk-upstream-first-000000A1', 'sk-upstream-first-000000B2']
const ORGANISATION = 'org-SecretOrganisation9'
const INTERNAL_HOST = 'llm-7.prod.internal:8443'

const cleanup = new Cleanup()
let first: ScriptedUpstream
let second: ScriptedUpstream
/** The headers and the body of each response, as far as clients received it in a test. */
let responses: (() => string)[]

beforeEach(async () => {
  responses = []
  first = cleanup.add(await startUpstream())
  second = cleanup.add(await startUpstream(answerWords('from', ' second')))
})

afterEach(async () => {
  await cleanup.run()
  const all = responses.map((received) => received()).join('\n')
  // No response contains a secret or an internal host.
  for (const secret of [
    ...KEYS,
    'sk-upstream',
    ORGANISATION,
    INTERNAL_HOST,
    '127.0.0.1',
    'ECONN',
    `:${first.port}`,
    'alice',
  ])
    expect(all).not.toContain(secret)
})

interface Harness {
  readonly client: OpenAI
  readonly relay: ReturnType<typeof testRelay>
  readonly records: UsageRecord[]
  /** Sends a chat request. Returns errors too. */
  send(more?: object): Promise<{ status: number; headers: Headers; text: string }>
}

/** A relay from `m` to `first/one`, then `second/two`, unless `more` replaces them. */
async function startHarness(more: Partial<RelayOptions> = {}): Promise<Harness> {
  const records: UsageRecord[] = []
  const relay = cleanup.add(
    testRelay({
      providers: { first: providerAt(first, { apiKey: KEYS[0] as string }), second: providerAt(second) },
      models: { m: ['first/one', 'second/two'] },
      plugins: [{ done: (record) => void records.push(record) }],
      shutdownMs: 0,
      ...more,
    }),
  )
  const { baseURL } = cleanup.add(await listen(http.createServer(nodeRelay(relay))))
  const listening: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    const chunks: Uint8Array[] = []
    responses.push(() => `${JSON.stringify([...response.headers])}\n${Buffer.concat(chunks)}`)
    // Not a clone: its body would fail or never end where the SDK aborts at an error within the stream.
    const recorder = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        chunks.push(chunk)
        controller.enqueue(chunk)
      },
    })
    return new Response(response.body?.pipeThrough(recorder), response)
  }
  return {
    relay,
    records,
    client: openaiClient({ baseURL, fetch: listening }),
    async send(more = {}) {
      const response = await listening(`${baseURL}/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ...chatRequest(), ...more }),
      })
      return { status: response.status, headers: response.headers, text: await response.text() }
    },
  }
}

const alone = { models: { m: 'first/one' } }
const resets: Script = (_req, res) => void res.socket?.resetAndDestroy()
const hangs: Script = () => undefined
const html = '<html><head><title>502 Bad Gateway</title></head><body>nginx on llm-7.prod.internal:8443</body></html>'

/** Streams these bytes, then closes the connection during the transfer, or ends the response. */
function cutAt(bytes: Buffer, end: number, how: 'broken' | 'ended'): Script {
  return (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    if (how === 'ended') res.end(bytes.subarray(0, end))
    else if (end === 0) res.destroy()
    else res.write(bytes.subarray(0, end), () => res.destroy())
  }
}

describe('fails over to the next target at once', () => {
  const failures: [string, Script, string | number][] = [
    ...[408, 409, 424, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529].map(
      (status): [string, Script, number] => [
        `${status}`,
        answerError(status, `trouble at ${INTERNAL_HOST} of ${ORGANISATION}`),
        status,
      ],
    ),
    ['429', answerError(429, 'slow down', { code: 'rate_limit_exceeded' }), 429],
    ['429 of an exhausted account', answerError(429, 'pay', { code: 'insufficient_quota' }), 429],
    ['401', answerError(401, `Incorrect API key provided: ${KEYS[0]} of ${ORGANISATION}`), 401],
    ['402', answerError(402, 'pay'), 402],
    ['403', answerError(403, 'no'), 403],
    ['a redirect', (_req, res) => void res.writeHead(307, { location: `${second.baseURL}/stolen` }).end(), 'invalid'],
    ['502 with an HTML page', answerJson(html, 502, { 'content-type': 'text/html' }), 502],
    ['200 with an HTML page', answerJson(html, 200, { 'content-type': 'text/html' }), 'invalid'],
    ['200 with an empty body', answerJson(''), 'invalid'],
    ['200 with null', answerJson('null'), 'invalid'],
    ['204', (_req, res) => void res.writeHead(204).end(), 'invalid'],
    ['200 with an error', answerJson({ error: { message: 'Provider returned error', code: 429 } }), 429],
    ['200 with an error as text', answerJson({ error: 'overloaded' }), 'invalid'],
    ['a reset before its headers', resets, 'cut'],
    [
      'a reset after its headers',
      (_req, res) => {
        res.writeHead(200).flushHeaders()
        setTimeout(() => res.socket?.resetAndDestroy(), 5)
      },
      'cut',
    ],
    [
      'an answer shorter than announced',
      (_req, res) => void res.writeHead(200, { 'content-length': 50 }).write('{"id":', () => res.destroy()),
      'cut',
    ],
    ['a response that is not HTTP', (_req, res) => void res.socket?.end('NOT HTTP\r\n\r\n'), 'invalid'],
    ['a gzip encoding without gzip', answerJson('{}', 200, { 'content-encoding': 'gzip' }), 'invalid'],
    ['an unknown encoding', answerJson('{}', 200, { 'content-encoding': 'zstd' }), 'invalid'],
  ]

  test.each(failures)('after %s, for whole answers and for streams', async (_what, script, status) => {
    for (const stream of [false, true]) {
      first.script = script
      const { client, records } = await startHarness()
      const call = stream ? streamedText(client) : client.chat.completions.create(chatRequest())
      const answer = await call
      expect(typeof answer === 'string' ? answer : answer.choices[0]?.message.content).toBe('from second')
      expect(second.seen.at(-1)?.url).toBe('/v1/chat/completions')
      const [record] = records
      expect(record?.attempts).toEqual([
        { target: 'first/one', status },
        { target: 'second/two', status: 200 },
      ])
      expect(record).toMatchObject({ outcome: 'complete', target: 'second/two', status: 200 })
    }
  })

  test('when the connection is refused, and names the attempts in a header', async () => {
    await first.close()
    const { send, relay } = await startHarness()
    const { status, headers } = await send()
    expect(status).toBe(200)
    expect(headers.get('x-modelmount-attempts')).toBe('first/one unreachable, second/two 200')
    expect(headers.get('x-modelmount-target')).toBe('second/two')
    expect(relay.explain('m').targets[0]?.credentials[0]?.cooldownMs).toBe(0)
    first = cleanup.add(await startUpstream())
  })

  test('when the name does not resolve', async () => {
    const { send } = await startHarness({
      providers: { first: providerAt({ baseURL: 'http://does-not-exist.invalid/v1' }), second: providerAt(second) },
    })
    expect((await send()).headers.get('x-modelmount-attempts')).toBe('first/one unreachable, second/two 200')
  })

  test('when TLS fails', async () => {
    const { send } = await startHarness({
      providers: {
        first: providerAt({ baseURL: first.baseURL.replace('http:', 'https:') }),
        second: providerAt(second),
      },
    })
    expect((await send()).headers.get('x-modelmount-attempts')).toBe('first/one unreachable, second/two 200')
  })

  test('when the connection times out, TLS included', async () => {
    const mute = createTcpServer(() => undefined).listen(0, '127.0.0.1')
    await once(mute, 'listening')
    cleanup.add({ close: () => void mute.close() })
    const { send } = await startHarness({
      providers: {
        first: providerAt(
          { baseURL: `https://127.0.0.1:${(mute.address() as AddressInfo).port}` },
          { timeouts: { connectMs: 150 } },
        ),
        second: providerAt(second),
      },
    })
    expect((await send()).headers.get('x-modelmount-attempts')).toBe('first/one unreachable, second/two 200')
  })

  test.each([
    ['an error instead of a stream', answerJson({ error: { message: 'Overloaded', type: 'overloaded' } }), 503],
    ['an error as the first record', answerStream(['data: {"error":{"message":"no","code":503}}\n\n']), 503],
    [
      'an error after the role',
      answerStream([streamed()[0] as string, 'data: {"error":{"message":"no","type":"server_error"}}\n\n']),
      500,
    ],
    [
      'comments and pings, then the end',
      answerStream([': ping\n\n', ': OPENROUTER PROCESSING\n\n', '\n\n']),
      'invalid',
    ],
    ['a role, then the end', answerStream([streamed()[0] as string]), 'invalid'],
    [
      "a finish that says 'error'",
      answerStream(['data: {"choices":[{"delta":{"content":""},"finish_reason":"error"}]}\n\n', 'data: [DONE]\n\n']),
      'invalid',
    ],
    [
      'a broken record',
      answerStream(['data: {"choices":[{"delta":{"content":"a"}}]\n\n', ...streamed('never')]),
      'invalid',
    ],
  ])('when a stream begins with %s, and passes none of it on', async (_what, script, status) => {
    first.script = script
    const { send } = await startHarness()
    const { text, headers } = await send({ stream: true })
    expect(text).toBe(streamed('from', ' second').join(''))
    expect(headers.get('x-modelmount-attempts')).toBe(`first/one ${status}, second/two 200`)
  })
})

describe('a 429', () => {
  test.each([
    ['in seconds', { 'retry-after': '2' }, 2000],
    ['in fractions of seconds', { 'retry-after': '1.5' }, 1500],
    ['in ms, which take precedence', { 'retry-after': '60', 'retry-after-ms': '700' }, 700],
    [
      "as a date, by the upstream's own clock",
      { date: 'Wed, 21 Oct 2015 07:28:00 GMT', 'retry-after': 'Wed, 21 Oct 2015 07:28:03 GMT' },
      3000,
    ],
    ['of a thousand years, which is limited to an hour', { 'retry-after': '31536000000' }, 3_600_000],
  ])('starts a cooldown of credential and model for a Retry-After %s', async (_how, headers, ms) => {
    first.script = answerError(429, 'slow down', {}, headers)
    const { client, relay } = await startHarness({ models: { m: ['first/one', 'second/two'], other: 'first/another' } })
    await client.chat.completions.create(chatRequest())
    const rest = relay.explain('m').targets[0]?.credentials[0]?.cooldownMs ?? 0
    expect(rest).toBeGreaterThan(ms - 500)
    expect(rest).toBeLessThanOrEqual(ms)
    expect(relay.explain('other').targets[0]?.credentials[0]?.cooldownMs).toBe(0)
    await client.chat.completions.create(chatRequest())
    expect(first.seen).toHaveLength(1)
  })

  test.each(['-1', 'soon', '1e3', '', 'Wed, 21 Oct 2015 07:28:00 GMT'])(
    'with the Retry-After %j is retried after a normal back-off',
    async (wait) => {
      first.script = inTurn(answerError(429, 'slow down', {}, { 'retry-after': wait }), answerWords('well'))
      const { client, records } = await startHarness(alone)
      const startedAt = performance.now()
      await client.chat.completions.create(chatRequest())
      expect(performance.now() - startedAt).toBeLessThan(300)
      expect(records[0]?.attempts.map(({ status }) => status)).toEqual([429, 200])
    },
  )

  test('moves on to the pool’s other credential until both are exhausted', async () => {
    first.script = (req, res, seen) =>
      (req.headers.authorization === `Bearer ${KEYS[0]}`
        ? answerError(429, 'slow down', {}, { 'retry-after': '30' })
        : answerWords('with the second key'))(req, res, seen)
    const { client, records } = await startHarness({
      ...alone,
      providers: { first: providerAt(first, { apiKey: KEYS }) },
    })
    for (let call = 0; call < 4; call++) await client.chat.completions.create(chatRequest())
    expect(records.map(({ attempts }) => attempts.length)).toEqual([2, 1, 1, 1])
    expect(first.seen).toHaveLength(5)
  })

  test('of the only target is retried after a short Retry-After', async () => {
    first.script = inTurn(answerError(429, 'slow down', {}, { 'retry-after-ms': '200' }), answerWords('well'))
    const { client } = await startHarness(alone)
    const startedAt = performance.now()
    expect((await client.chat.completions.create(chatRequest())).choices[0]?.message.content).toBe('well')
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(195)
  })

  test('with a long Retry-After is returned, and starts a cooldown', async () => {
    first.script = answerError(
      429,
      'Rate limit reached',
      { type: 'tokens', code: 'rate_limit_exceeded' },
      { 'retry-after': '20' },
    )
    const { client, send } = await startHarness(alone)
    const error = await client.chat.completions.create(chatRequest()).catch((caught) => caught)
    expect(error).toBeInstanceOf(OpenAI.RateLimitError)
    expect(error).toMatchObject({ code: 'rate_limit_exceeded', type: 'tokens' })
    expect(error.headers.get('retry-after')).toBe('20')
    expect(error.headers.get('retry-after-ms')).toBe('20000')
    const { status, headers } = await send()
    expect(status).toBe(503)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(18)
    expect(first.seen).toHaveLength(1)
  })

  test('of one credential does not delay another credential with a shorter wait', async () => {
    const waits: Record<string, string> = { [`Bearer ${KEYS[0]}`]: '150', [`Bearer ${KEYS[1]}`]: '60000' }
    let asked = 0
    first.script = (req, res, seen) => {
      const wait = waits[req.headers.authorization ?? ''] ?? ''
      return (++asked > 2 ? answerWords('well') : answerError(429, 'slow down', {}, { 'retry-after-ms': wait }))(
        req,
        res,
        seen,
      )
    }
    const { client } = await startHarness({ ...alone, providers: { first: providerAt(first, { apiKey: KEYS }) } })
    expect((await client.chat.completions.create(chatRequest())).choices[0]?.message.content).toBe('well')
  })
})

describe('an upstream that refuses the relay’s credential', () => {
  test.each([401, 402, 403])(
    'with %d: the relay tries the pool’s other credential, and starts a cooldown of the refused one',
    async (status) => {
      first.script = (req, res, seen) =>
        (req.headers.authorization === `Bearer ${KEYS[0]}`
          ? answerError(status, `bad key ${KEYS[0]}`)
          : answerWords('well'))(req, res, seen)
      const { client, relay } = await startHarness({
        providers: { first: providerAt(first, { apiKey: KEYS }) },
        models: { m: 'first/one', other: 'first/another' },
      })
      for (let call = 0; call < 3; call++) await client.chat.completions.create(chatRequest())
      await client.chat.completions.create({ ...chatRequest(), model: 'other' })
      // A 403 may be about the model, so the cooldown is for that model only.
      expect(first.seen).toHaveLength(status === 403 ? 6 : 5)
      const rests = relay.explain('m').targets[0]?.credentials.map(({ cooldownMs }) => cooldownMs > 0)
      expect(rests).toEqual([true, false])
    },
  )

  test.each([401, 402, 403])(
    'with %d at the last target: the client gets 502 without a word about its own key',
    async (status) => {
      first.script = answerError(status, `Incorrect API key provided: ${KEYS[0]}. Organization ${ORGANISATION}`, {
        code: 'invalid_api_key',
      })
      const { client } = await startHarness(alone)
      const error = await client.chat.completions.create(chatRequest()).catch((caught) => caught)
      expect(error).toMatchObject({ status: 502, code: 'upstream_auth_error', type: 'server_error' })
      expect(first.seen).toHaveLength(1)
    },
  )
})

describe('an error of the request', () => {
  test.each([
    [
      400,
      "Invalid value: 'tol'. Supported values are: 'tool'.",
      { type: 'invalid_request_error', param: 'messages[0].role', code: 'invalid_value' },
    ],
    [404, 'The model `one` does not exist', { type: 'invalid_request_error', param: null, code: 'model_not_found' }],
    [413, 'too large', { type: 'invalid_request_error', param: null, code: null }],
    [422, 'no such tool', { type: 'invalid_request_error', param: 'tools', code: null }],
  ])(
    'with status %d is returned at once with the upstream’s message, without a cooldown',
    async (status, message, more) => {
      first.script = answerError(status, message, more)
      const { client, relay } = await startHarness({ health: { failures: 1 } })
      for (const stream of [false, true, false]) {
        const error = await client.chat.completions.create({ ...chatRequest(), stream }).catch((caught) => caught)
        expect(error).toMatchObject({ status, error: { message, ...more } })
      }
      expect(first.seen).toHaveLength(3)
      expect(second.seen).toHaveLength(0)
      expect(relay.explain('m').targets[0]?.credentials[0]?.cooldownMs).toBe(0)
    },
  )

  test.each([
    [
      'a list',
      [{ error: { code: 400, message: 'thought signature missing', status: 'INVALID_ARGUMENT' } }],
      'thought signature missing',
    ],
    ['bare text', { error: 'no such tool' }, 'no such tool'],
    ['FastAPI', { detail: [{ loc: ['body', 'n'], msg: 'must be positive' }] }, 'must be positive'],
    ['a flat object', { object: 'error', message: 'must be positive', code: 40001 }, 'must be positive'],
  ])('in the format of %s is returned in OpenAI’s format', async (_how, body, message) => {
    first.script = answerJson(body, 400)
    const { client } = await startHarness()
    const error = await client.chat.completions.create(chatRequest()).catch((caught) => caught)
    expect(error).toMatchObject({ status: 400, error: { message, param: null } })
    expect([typeof error.code === 'string', error.code === null]).toContain(true)
  })

  test('as an HTML page or an empty body gets a message of the relay', async () => {
    const { send } = await startHarness()
    for (const body of [html, '']) {
      first.script = answerJson(body, 400, { 'content-type': 'text/html' })
      const { status, text } = await send()
      expect(status).toBe(400)
      expect(JSON.parse(text).error).toMatchObject({
        type: 'invalid_request_error',
        message: expect.not.stringContaining('<'),
      })
    }
    expect(second.seen).toHaveLength(0)
  })
})

describe('typed fallbacks', () => {
  const tooLong: [string, Script][] = [
    ['a code', answerError(400, 'too many tokens', { code: 'context_length_exceeded' })],
    ['prose', answerError(400, "This model's maximum context length is 32768 tokens. However, you requested 40000.")],
    ['a code with status 200', answerJson({ error: { message: 'too many tokens', code: 'context_length_exceeded' } })],
  ]
  const filtered: [string, Script][] = [
    ['a code', answerError(400, 'The response was filtered', { code: 'content_filter' })],
    ['a policy', answerError(400, 'Your request was rejected', { code: 'content_policy_violation' })],
  ]

  test.each([
    ...tooLong.map(([how, script]) => ['a context too long', how, script, 'onContextTooLong'] as const),
    ...filtered.map(([how, script]) => ['a content filter', how, script, 'onContentFilter'] as const),
  ])('%s, recognised by %s, goes only to its own fallbacks', async (_what, _how, script, list) => {
    const third = cleanup.add(await startUpstream(answerWords('third')))
    first.script = script
    const providers = { first: providerAt(first), second: providerAt(second), third: providerAt(third) }
    const targets = ['first/one', 'second/two']
    const { client, relay, send } = await startHarness({
      providers,
      models: { m: { targets, [list]: ['third/large'] }, without: { targets } },
      health: { failures: 1 },
    })
    expect((await client.chat.completions.create(chatRequest())).choices[0]?.message.content).toBe('third')
    expect(await streamedText(client)).toBe('third')
    const { status, text } = await send({ model: 'without' })
    expect(status).toBe(400)
    expect(JSON.parse(text).error.code).toMatch(list === 'onContextTooLong' ? /^context_length_exceeded$/ : /^content_/)
    expect(second.seen).toHaveLength(0)
    expect(relay.explain('m').targets[0]?.credentials[0]?.cooldownMs).toBe(0)
  })

  test('do not loop', async () => {
    first.script = answerError(400, 'too many tokens', { code: 'context_length_exceeded' })
    const { client } = await startHarness({
      models: { m: { targets: ['first/one'], onContextTooLong: ['first/large', 'first/larger'] } },
      retry: { attempts: 10 },
    })
    const error = await client.chat.completions.create(chatRequest()).catch((caught) => caught)
    expect(error).toMatchObject({ status: 400, code: 'context_length_exceeded' })
    expect(first.seen.length).toBeLessThanOrEqual(3)
  })

  test('are not used for other errors', async () => {
    first.script = answerError(400, 'Invalid tool name', { code: 'invalid_value' })
    const { send } = await startHarness({ models: { m: { targets: ['first/one'], onContextTooLong: ['second/two'] } } })
    expect((await send()).status).toBe(400)
    expect(second.seen).toHaveLength(0)
  })
})

describe('unrequested compression', () => {
  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('%s is decoded, whole and streamed', async (encoding, compress) => {
    const words = Array.from({ length: 50 }, (_, index) => `${index} ${'é'.repeat(500)} `)
    const answers = { false: JSON.stringify(completion(words.join(''))), true: streamed(...words).join('') }
    first.script = async (_req, res, { body }) => {
      const packed = compress(answers[`${JSON.parse(body).stream === true}`])
      res.writeHead(200, { 'content-encoding': encoding, 'content-type': 'application/json' })
      for (let at = 0; at < packed.length; at += 100) {
        res.write(packed.subarray(at, at + 100))
        await pause(0)
      }
      res.end()
    }
    const { client, send, records } = await startHarness(alone)
    expect((await client.chat.completions.create(chatRequest())).choices[0]?.message.content).toBe(words.join(''))
    expect(await streamedText(client)).toBe(words.join(''))
    const { text, headers } = await send({ stream: true })
    expect(text).toBe(answers.true)
    expect(headers.get('content-encoding')).toBeNull()
    expect(first.seen[0]?.headers['accept-encoding']).toBe('identity')
    expect(records.map(({ outcome, outputTokens }) => [outcome, outputTokens])).toEqual([
      ['complete', 2],
      ['complete', 50],
      ['complete', 50],
    ])
  })

  test('a truncated gzip stream ends with an error, and without [DONE]', async () => {
    const packed = gzipSync(streamed(...Array.from({ length: 3000 }, () => `${Math.random()}`)).join(''))
    first.script = (_req, res) => {
      res.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/event-stream' })
      res.end(packed.subarray(0, packed.length / 2))
    }
    const { send } = await startHarness(alone)
    const { text } = await send({ stream: true })
    expect(text).not.toContain('[DONE]')
    expect(JSON.parse(text.trimEnd().split('\n').at(-1)?.slice(6) ?? '')).toMatchObject({
      error: { type: 'server_error' },
    })
  })

  test('a gzip error is decoded', async () => {
    first.script = (_req, res) =>
      void res
        .writeHead(400, { 'content-encoding': 'gzip' })
        .end(gzipSync('{"error":{"message":"bad tool","type":"invalid_request_error","param":"tools","code":null}}'))
    const { client } = await startHarness()
    expect(await client.chat.completions.create(chatRequest()).catch((caught) => caught)).toMatchObject({
      status: 400,
      param: 'tools',
    })
  })
})

describe('a silent upstream', () => {
  const withTimeouts = (timeouts: object): Partial<RelayOptions> => ({
    providers: { first: providerAt(first, { timeouts }), second: providerAt(second) },
  })
  const sendsRoleThenPings: Script = (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write(streamed()[0])
    const pinging = setInterval(() => res.write(': ping\n\n'), 20)
    res.on('close', () => clearInterval(pinging))
  }
  test.each([
    ['before its headers', hangs, { headersMs: 60 }, false],
    ['before the headers of a stream', hangs, { headersMs: 60 }, true],
    ['except for pings', sendsRoleThenPings, { firstOutputMs: 120 }, true],
    [
      'in the middle of a whole answer',
      (_req: unknown, res: ServerResponse) => void res.writeHead(200).write('{"id":'),
      { idleMs: 60 },
      false,
    ],
  ] as [string, Script, object, boolean][])(
    '%s is a 504 without failover, because it may be billed twice',
    async (_when, script, timeouts, stream) => {
      first.script = script
      const { send } = await startHarness(withTimeouts(timeouts))
      const { status, text, headers } = await send({ stream })
      expect(status).toBe(504)
      expect(JSON.parse(text).error).toMatchObject({ type: 'server_error', code: 'timeout' })
      expect(headers.get('x-modelmount-attempts')).toBe('first/one timeout')
      expect(second.seen).toHaveLength(0)
      await until(() => first.running.size === 0)
    },
  )

  test('fails over with retryTimeouts', async () => {
    first.script = hangs
    const { send } = await startHarness({
      ...withTimeouts({ headersMs: 60 }),
      retry: { retryTimeouts: true, minDelayMs: 10 },
    })
    expect((await send({ stream: true })).headers.get('x-modelmount-attempts')).toBe(
      'first/one timeout, second/two 200',
    )
  })

  test('in the middle of a stream ends the stream with an error', async () => {
    first.script = (_req, res) => void res.writeHead(200).write(streamed('word').slice(0, 2).join(''))
    const { client, records } = await startHarness(withTimeouts({ idleMs: 60 }))
    const stream = await client.chat.completions.create({ ...chatRequest(), stream: true })
    const words: (string | null | undefined)[] = []
    const error = await (async () => {
      for await (const chunk of stream) words.push(chunk.choices[0]?.delta.content)
    })().catch((caught) => caught)
    expect(words).toEqual(['', 'word'])
    expect(error).toMatchObject({ code: 'timeout' })
    expect(records).toMatchObject([{ outcome: 'cut', error: 'timeout' }])
    expect(second.seen).toHaveLength(0)
  })

  test('in the middle of a gzip stream times out', async () => {
    const packed = gzipSync(streamed(...Array.from({ length: 20_000 }, () => `${Math.random()}`)).join(''))
    first.script = (_req, res) => {
      res.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/event-stream' })
      res.write(packed.subarray(0, packed.length - 100))
    }
    const { send } = await startHarness(withTimeouts({ idleMs: 100 }))
    expect((await send({ stream: true })).text).toContain('"code":"timeout"')
  })

  test('with more pings than the buffer holds commits the stream', async () => {
    first.script = answerStream([`: ${'.'.repeat(66_000)}\n\n`, ...streamed('late')])
    const { send } = await startHarness()
    expect((await send({ stream: true })).text).toContain('late')
    expect(second.seen).toHaveLength(0)
  })
})

describe('a truncated stream', () => {
  const recording = [
    '{"choices":[{"delta":{"role":"assistant"}}]}',
    '{"choices":[{"delta":{"content":"Grüße"}}]}',
    '{"choices":[{"delta":{"content":" and 👋"}}]}',
    '{"choices":[{"delta":{},"finish_reason":"stop"}]}',
    '{"choices":[],"usage":{"completion_tokens":2}}',
    '[DONE]',
  ].map((data) => `data: ${data}\n\n`)
  const recorded = Buffer.from(recording.join(''))
  const lengths = recording.map((record) => Buffer.byteLength(record))
  const ends = lengths.map((_, index) => lengths.slice(0, index + 1).reduce((sum, length) => sum + length, 0))
  /** Before this byte only the role has arrived. The first output's record ends here, with its blank line. */
  const commitAt = ends[1] as number
  /** From this byte on the answer is complete: `finish_reason` has arrived. */
  const finishAt = ends[3] as number

  test.each(['broken', 'ended'] as const)(
    'at any byte (%s) fails over before the first output, and ends with an error after it',
    async (how) => {
      first.script = (req, res, seen) => cutAt(recorded, Number(JSON.parse(seen.body).n), how)(req, res, seen)
      const { send } = await startHarness({ health: { failures: 1_000_000 } })
      const whole = streamed('from', ' second').join('')
      const cuts = Array.from({ length: recorded.length }, (_, cut) => cut)
      await inParallel(8, cuts, async (cut) => {
        const { status, text, headers } = await send({ stream: true, n: cut })
        const where = `cut at ${cut} of ${recorded.length}`
        expect(status, where).toBe(200)
        if (cut < commitAt) {
          expect(text, where).toBe(whole)
          expect(headers.get('x-modelmount-attempts'), where).toMatch(/^first\/one \w+, second\/two 200$/)
          return
        }
        expect(headers.get('x-modelmount-attempts'), where).toMatch(/^first\/one/)
        const records = text.split('\n\n')
        expect(records.pop(), where).toBe('')
        const last = records.at(-1)?.slice('data: '.length) ?? ''
        const failed = last.startsWith('{"error"')
        if (cut < finishAt - 2) expect(failed, where).toBe(true)
        if (cut >= finishAt) expect(failed, where).toBe(false)
        if (failed) {
          records.pop()
          expect(JSON.parse(last), where).toMatchObject({ error: { type: 'server_error', code: expect.any(String) } })
          expect(text, where).not.toContain('[DONE]')
        } else expect(text, where).toContain('"finish_reason":"stop"')
        const passed = records.map((record) => `${record}\n\n`).join('')
        expect(recorded.toString().startsWith(passed), where).toBe(true)
        expect(ends, where).toContain(Buffer.byteLength(passed))
      })
    },
    30_000,
  )

  test('raises an error in the SDK, which would take a plain end for success', async () => {
    first.script = cutAt(recorded, commitAt + 20, 'broken')
    const { client, records } = await startHarness()
    const { words, error } = await wordsUntilError(client)
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect(words.join('')).toBe('Grüße')
    expect(records).toMatchObject([{ outcome: 'cut', target: 'first/one', attempts: [{ status: 200 }] }])
  })

  test('passes the upstream’s error on, without [DONE]', async () => {
    first.script = answerStream([
      ...streamed('word').slice(0, 2),
      'data: {"error":{"message":"Overloaded","type":"server_error","code":"overloaded"}}\n\n',
    ])
    const { client, records } = await startHarness()
    await expect(streamedText(client)).rejects.toMatchObject({ code: 'overloaded' })
    await until(() => records.length === 1)
    expect(records).toMatchObject([{ outcome: 'failed' }])
  })

  test.each([
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ])('with %s as line ends passes complete records before the error', async (_name, newline) => {
    const text = recorded.toString().replaceAll('\n', newline)
    first.script = cutAt(Buffer.from(text), text.indexOf(' and ') + 4, 'broken')
    const { client } = await startHarness(alone)
    const { words, error } = await wordsUntilError(client)
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect(words.join('')).toBe('Grüße')
  })

  test('that lacks only its last line ends is complete', async () => {
    for (const records of [streamed().slice(1, 2), streamed('word').slice(0, 3), streamed('one', 'two')]) {
      first.script = answerStream([records.join('').trimEnd()])
      const { send } = await startHarness()
      expect((await send({ stream: true })).text).toBe(records.join(''))
    }
  })
})

describe('a single target', () => {
  test('is retried after a doubling back-off', async () => {
    const times: number[] = []
    first.script = (req, res, seen) => {
      times.push(performance.now())
      return (times.length < 3 ? answerError(503, 'overloaded') : answerWords('well'))(req, res, seen)
    }
    const { client, records } = await startHarness({ ...alone, retry: { minDelayMs: 60, attempts: 3 } })
    expect(await streamedText(client)).toBe('well')
    const [a = 0, b = 0, c = 0] = times
    expect(b - a).toBeGreaterThanOrEqual(29)
    expect(b - a).toBeLessThan(110)
    expect(c - b).toBeGreaterThanOrEqual(59)
    expect(c - b).toBeLessThan(190)
    expect(records[0]?.attempts.map(({ status }) => status)).toEqual([503, 503, 200])
  })

  test.each([1, 2, 4])('is tried %d times in all, then its error is returned', async (attempts) => {
    first.script = answerError(503, 'The engine is overloaded', { type: 'server_error', code: 'overloaded' })
    const { client } = await startHarness({ ...alone, retry: { attempts, minDelayMs: 1 }, health: { failures: 100 } })
    const error = await client.chat.completions.create(chatRequest()).catch((caught) => caught)
    expect(error).toBeInstanceOf(OpenAI.InternalServerError)
    expect(error).toMatchObject({ status: 503, code: 'overloaded', error: { message: 'The engine is overloaded' } })
    expect(first.seen).toHaveLength(attempts)
    expect(error.headers.get('x-modelmount-attempts')).toBe(Array(attempts).fill('first/one 503').join(', '))
    // Otherwise the SDK would multiply the relay's attempts with its own.
    expect(error.headers.get('x-should-retry')).toBe(attempts > 1 ? 'false' : null)
  })

  test.each([
    [520, 502],
    [522, 504],
    [524, 504],
    [529, 503],
  ])('that answers %d becomes a %d, which clients know', async (status, shown) => {
    first.script = answerJson(html, status, { 'content-type': 'text/html' })
    const { send } = await startHarness({ ...alone, retry: { attempts: 1 } })
    const { status: seen, text } = await send()
    expect(seen).toBe(shown)
    expect(JSON.parse(text).error).toMatchObject({ type: 'server_error', message: expect.not.stringContaining('<') })
  })

  test.each([
    ['a reset', resets, 502],
    ['no connection', undefined, 502],
    ['an empty answer', answerJson(''), 502],
    [
      'an error with status 200 that contains secrets',
      answerJson({ error: { message: `${KEYS[0]} of ${ORGANISATION} at ${INTERNAL_HOST}` } }),
      502,
    ],
    [
      'an error in a stream that contains secrets',
      answerStream([`data: {"error":{"message":"${KEYS[0]} of ${ORGANISATION} at ${INTERNAL_HOST}","code":500}}\n\n`]),
      500,
    ],
    [
      'a 500 that contains secrets',
      answerError(500, `${KEYS[0]} of ${ORGANISATION} at http://${INTERNAL_HOST}/v1`, {
        param: KEYS[0],
        code: ORGANISATION,
      }),
      500,
    ],
    [
      'a 500 in plain text that contains secrets',
      answerJson(`${KEYS[0]} of ${ORGANISATION} at ${INTERNAL_HOST}`, 500),
      500,
    ],
  ] as [string, Script | undefined, number][])(
    'that fails by %s is a server error without secrets',
    async (_how, script, status) => {
      if (script) first.script = script
      else await first.close()
      const { send, records } = await startHarness({ ...alone, retry: { attempts: 2, minDelayMs: 1 } })
      for (const stream of [false, true]) {
        const { status: seen, text, headers } = await send({ stream })
        expect([status, 502]).toContain(seen)
        expect(JSON.parse(text)).toMatchObject({ error: { message: expect.stringMatching(/./) } })
        expect(headers.get('x-request-id')).toMatch(/^req_/)
      }
      expect(records).toMatchObject([{ outcome: 'failed' }, { outcome: 'failed' }])
      if (!script) first = cleanup.add(await startUpstream())
    },
  )
})

describe('cooldowns and probes', () => {
  test('a target gets a cooldown after several failures, and no calls during it', async () => {
    first.script = answerError(500, 'broken')
    const { client, relay } = await startHarness({ health: { failures: 3, cooldownMs: 60_000 } })
    for (let call = 0; call < 6; call++) await client.chat.completions.create(chatRequest())
    expect(first.seen).toHaveLength(3)
    expect(relay.explain('m').targets.map(({ credentials }) => (credentials[0]?.cooldownMs ?? 0) > 0)).toEqual([
      true,
      false,
    ])
  })

  test('a success resets the count of failures', async () => {
    let turn = 0
    first.script = (req, res, seen) =>
      (++turn % 3 === 0 ? answerWords('well') : answerError(500, 'broken'))(req, res, seen)
    const { client } = await startHarness({ health: { failures: 3, cooldownMs: 60_000 } })
    for (let call = 0; call < 9; call++) await client.chat.completions.create(chatRequest())
    expect(first.seen).toHaveLength(9)
  })

  test.each(['whole', 'streamed'])(
    'exactly one of twenty %s calls probes after the cooldown, and its success ends it',
    async (how) => {
      first.script = answerError(500, 'broken')
      const { client, send } = await startHarness({ health: { failures: 1, cooldownMs: 80 } })
      await client.chat.completions.create(chatRequest())
      expect(first.seen).toHaveLength(1)
      await pause(90)
      const others = second.seen.length + 19
      first.script = async (req, res, seen) => {
        await until(() => second.seen.length >= others)
        return answerWords('recovered')(req, res, seen)
      }
      const twenty = (): Promise<string[]> =>
        Promise.all(Array.from({ length: 20 }, async () => (await send({ stream: how === 'streamed' })).text))
      const texts = await twenty()
      expect(texts.filter((text) => text.includes('recovered'))).toHaveLength(1)
      expect(first.seen).toHaveLength(2)
      expect((await twenty()).every((text) => text.includes('recovered'))).toBe(true)
    },
  )

  test('a failed probe starts another cooldown', async () => {
    first.script = answerError(500, 'broken')
    const { send } = await startHarness({ health: { failures: 2, cooldownMs: 300 } })
    for (let call = 0; call < 4; call++) await send()
    expect(first.seen).toHaveLength(2)
    await pause(310)
    const others = second.seen.length + 19
    first.script = async (req, res, seen) => {
      await until(() => second.seen.length >= others)
      return answerError(500, 'broken still')(req, res, seen)
    }
    await Promise.all(Array.from({ length: 20 }, () => send()))
    expect(first.seen).toHaveLength(3)
    await send()
    expect(first.seen).toHaveLength(3)
  })

  test('exactly one call probes, also among calls that failed at another target first', async () => {
    second.script = answerError(500, 'broken')
    first.script = hangs
    const { send } = await startHarness({
      models: { m: ['second/two', 'first/one'] },
      providers: { first: providerAt(first, { timeouts: { headersMs: 50 } }), second: providerAt(second) },
      health: { failures: 1, cooldownMs: 200 },
      retry: { attempts: 2, minDelayMs: 1 },
    })
    await send()
    expect(first.seen).toHaveLength(1)
    await pause(210)
    first.script = async (req, res, seen) => {
      await pause(150)
      return answerWords('recovered')(req, res, seen)
    }
    await Promise.all(Array.from({ length: 20 }, () => send()))
    expect(first.seen).toHaveLength(2)
  })

  test('the client gets 503 with retry-after when every target has a cooldown', async () => {
    first.script = answerError(500, 'broken')
    const { send } = await startHarness({ ...alone, health: { failures: 1, cooldownMs: 5000 }, retry: { attempts: 1 } })
    await send()
    const { status, headers, text } = await send()
    expect(status).toBe(503)
    expect(JSON.parse(text).error).toMatchObject({ type: 'server_error', code: 'service_unavailable' })
    expect(headers.get('retry-after')).toBe('5')
    expect(first.seen).toHaveLength(1)
  })

  test.each([
    ['before the headers', hangs, true],
    ['before the headers of a whole answer', hangs, false],
    [
      'in the middle of a stream',
      ((_req, res) => void res.writeHead(200).write(streamed('word').slice(0, 2).join(''))) as Script,
      true,
    ],
  ])('a client that disconnects %s does not count as a failure of the target', async (_when, script, stream) => {
    first.script = script
    const { client, relay, records } = await startHarness({ health: { failures: 1 } })
    for (let call = 1; call <= 3; call++) {
      const abortController = new AbortController()
      const left = client.chat.completions
        .create({ ...chatRequest(), stream }, { signal: abortController.signal })
        .then(async (answer) => {
          if (!(Symbol.asyncIterator in answer)) return
          for await (const chunk of answer) if (chunk.choices[0]?.delta.content) abortController.abort()
        })
        .catch(() => undefined)
      await until(() => first.seen.length === call)
      if (script === hangs) abortController.abort()
      await left
      await until(() => records.length === call)
    }
    expect(records.map(({ outcome }) => outcome)).toEqual(['left', 'left', 'left'])
    expect(relay.explain('m').targets[0]).toMatchObject({ busy: 0, credentials: [{ cooldownMs: 0 }] })
    expect(second.seen).toHaveLength(0)
  })

  test('another call probes after a client disconnects during a probe', async () => {
    first.script = answerError(500, 'broken')
    const { client, send } = await startHarness({ health: { failures: 1, cooldownMs: 50 } })
    await send()
    await pause(60)
    first.script = hangs
    const abortController = new AbortController()
    const left = client.chat.completions
      .create(chatRequest(), { signal: abortController.signal })
      .catch(() => undefined)
    await until(() => first.seen.length === 2)
    abortController.abort()
    await left
    await until(() => first.running.size === 0)
    first.script = answerWords('recovered')
    expect((await send()).text).toContain('recovered')
  })
})

describe('the order of channels', () => {
  test('a backup base URL is tried next, with the same credential', async () => {
    first.script = answerError(503, 'overloaded')
    const { client, records } = await startHarness({
      ...alone,
      providers: { first: providerAt(first, { apiKey: KEYS[0] as string, baseURL: [first.baseURL, second.baseURL] }) },
    })
    expect(await streamedText(client)).toBe('from second')
    expect(second.seen[0]?.headers.authorization).toBe(`Bearer ${KEYS[0]}`)
    expect(records[0]?.attempts.map(({ target, status }) => [target, status])).toEqual([
      ['first/one', 503],
      ['first/one', 200],
    ])
  })

  test('attempts are limited over all targets together', async () => {
    first.script = answerError(500, 'first is broken')
    second.script = answerError(502, 'second is broken')
    const { send } = await startHarness({ retry: { attempts: 2, minDelayMs: 1 }, health: { failures: 100 } })
    const { status, headers, text } = await send()
    expect(first.seen.length + second.seen.length).toBe(2)
    expect(headers.get('x-modelmount-attempts')).toBe('first/one 500, second/two 502')
    expect(status).toBe(502)
    expect(text).toContain('second is broken')
  })

  test('a redirect is not followed', async () => {
    first.script = (_req, res) => void res.writeHead(307, { location: second.baseURL }).end()
    const { send } = await startHarness({ ...alone, retry: { attempts: 1 } })
    expect((await send()).status).toBe(502)
    expect(second.seen).toHaveLength(0)
  })

  test('a credential is sent to its own provider only', async () => {
    first.script = answerError(500, 'broken')
    const { client } = await startHarness()
    await client.chat.completions.create(chatRequest())
    expect(first.seen[0]?.headers.authorization).toBe(`Bearer ${KEYS[0]}`)
    expect(second.seen[0]?.headers.authorization).toBeUndefined()
    expect(JSON.stringify([first.seen[0]?.headers, second.seen[0]?.headers])).not.toContain(KEY)
  })

  test('a relay that closes ends waiting calls with 503, and sends nothing more', async () => {
    first.script = hangs
    const { send, relay } = await startHarness({ health: { failures: 100 } })
    const [whole, stream] = [send(), send({ stream: true })]
    await until(() => first.seen.length === 2)
    await relay.close()
    for (const { status, text } of [await whole, await stream]) {
      expect(status).toBe(503)
      expect(JSON.parse(text).error.code).toBe('service_unavailable')
    }
    expect(first.seen).toHaveLength(2)
    expect(second.seen).toHaveLength(0)
    await until(() => first.running.size === 0)
  })

  test('a relay that closes does not send a pending retry', async () => {
    first.script = answerError(503, 'overloaded')
    const { send, relay } = await startHarness({ ...alone, retry: { minDelayMs: 300 } })
    const waiting = send()
    await until(() => first.seen.length === 1 && first.running.size === 0)
    await relay.close()
    expect((await waiting).status).toBe(503)
    expect(first.seen).toHaveLength(1)
    expect((await send()).status).toBe(503)
  })

  test('a relay that closes ends a running stream with an error after complete records', async () => {
    first.script = (_req, res) =>
      void res.writeHead(200).write(streamed('word', 'more').slice(0, 3).join('').slice(0, -9))
    const { relay, client } = await startHarness()
    const stream = await client.chat.completions.create({ ...chatRequest(), stream: true })
    const words: string[] = []
    const reading = (async () => {
      for await (const chunk of stream) words.push(chunk.choices[0]?.delta.content ?? '')
    })().catch((caught) => caught)
    await until(() => words.length === 2)
    await relay.close()
    expect(await reading).toMatchObject({ code: 'service_unavailable' })
    expect(words).toEqual(['', 'word'])
  })
})

async function inParallel<Item>(
  width: number,
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = [...items]
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: width }, worker))
}
