import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Relay } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import type { Mounted } from '../listen.js'
import { mounts } from '../mounts.js'
import { chatRequest, openaiClient, streamedText } from '../openai-client.js'
import { answerStream, answerWords, type ScriptedUpstream, startUpstream, streamed } from '../scripted-upstream.js'
import { KEY, providerAt, testRelay } from '../test-relay.js'
import { pause, until } from '../until.js'

const MB = 1024 * 1024
const LIMIT = 256 * 1024

describe.each(mounts)('mounted in $name', ({ start, hasHost }) => {
  const cleanup = new Cleanup()
  let dying: ScriptedUpstream
  let upstream: ScriptedUpstream
  let relay: Relay
  let mounted: Mounted
  let client: OpenAI

  beforeAll(async () => {
    dying = cleanup.add(await startUpstream())
    upstream = cleanup.add(await startUpstream())
    relay = cleanup.add(
      testRelay({
        providers: { dying: providerAt(dying), steady: providerAt(upstream) },
        models: { m: 'steady/real-model', mended: ['dying/one', 'steady/two'] },
        maxBodyBytes: LIMIT,
        health: { failures: 1000 },
        shutdownMs: 0,
      }),
    )
    mounted = cleanup.add(await start(relay))
    client = openaiClient(mounted)
  })
  afterAll(() => cleanup.run())
  beforeEach(() => {
    upstream.script = answerWords('Hello', ', world')
    upstream.seen.length = 0
  })

  const post = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
    mounted.fetch(`${mounted.baseURL}/chat/completions`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
    })

  test('passes a whole answer unchanged', async () => {
    const { data, response, request_id } = await client.chat.completions.create(chatRequest()).withResponse()
    expect(data.choices[0]?.message.content).toBe('Hello, world')
    expect(data.usage).toEqual({ prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 })
    expect(request_id).toMatch(/^req_/)
    expect(response.headers.get('x-modelmount-target')).toBe('steady/real-model')
    expect(JSON.parse(upstream.seen[0]?.body ?? '')).toEqual({ ...chatRequest(), model: 'real-model' })
  })

  test('passes a stream chunk by chunk', async () => {
    let open = (): void => undefined
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const [role = '', first = '', ...rest] = streamed('first', 'last')
    upstream.script = async (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(role + first)
      await gate
      res.end(rest.join(''))
    }
    const words: string[] = []
    for await (const chunk of await client.chat.completions.create({ ...chatRequest(), stream: true })) {
      const word = chunk.choices[0]?.delta.content
      if (word) words.push(word)
      // The upstream sends the last word only now, so buffering of the first one would hang here.
      if (word === 'first') open()
    }
    expect(words).toEqual(['first', 'last'])
  }, 3000)

  test.each([
    ['resets the connection', (res: ServerResponse) => void res.socket?.resetAndDestroy()],
    ['answers 503', (res: ServerResponse) => void res.writeHead(503).end('down')],
    [
      'breaks off after the role',
      (res: ServerResponse) => {
        res.writeHead(200, { 'content-type': 'text/event-stream' })
        res.write(streamed()[0], () => res.destroy())
      },
    ],
  ])('streams a chat completion from the second upstream if the first one %s', async (_how, die) => {
    dying.script = (_req, res) => die(res)
    const stream = await client.chat.completions
      .create({ ...chatRequest(), model: 'mended', stream: true })
      .withResponse()
    let text = ''
    for await (const chunk of stream.data) text += chunk.choices[0]?.delta.content ?? ''
    expect(text).toBe('Hello, world')
    expect(stream.response.headers.get('x-modelmount-attempts')).toMatch(/^dying\/one \S+, steady\/two 200$/)
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream')
    expect(stream.response.headers.get('cache-control')).toBe('no-cache, no-transform')
  })

  test('lists the models that the caller may use, and returns each', async () => {
    const { data } = await client.models.list()
    expect(data.map(({ id }) => id)).toEqual(['m', 'mended'])
    expect(await client.models.retrieve('m')).toMatchObject({ id: 'm', object: 'model', owned_by: 'steady' })
  })

  test('answers HEAD of the models without a body', async () => {
    const response = await mounted.fetch(`${mounted.baseURL}/models`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${KEY}` },
    })
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('')
  })

  test('answers 401 for a wrong key, and sends nothing upstream', async () => {
    const error = await openaiClient(mounted, 'sk-somebody-else')
      .chat.completions.create(chatRequest())
      .catch((caught) => caught)
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
    expect(error).toMatchObject({ status: 401, code: 'invalid_api_key', type: 'invalid_request_error' })
    expect(error.requestID).toMatch(/^req_/)
    expect(upstream.seen).toHaveLength(0)
  })

  test('answers 404 for an unknown model', async () => {
    const error = await client.chat.completions.create({ ...chatRequest(), model: 'nope' }).catch((caught) => caught)
    expect(error).toBeInstanceOf(OpenAI.NotFoundError)
    expect(error).toMatchObject({ code: 'model_not_found', param: 'model' })
  })

  test.each([
    ['a wrong method', 405, null, () => mounted.fetch(`${mounted.baseURL}/chat/completions`)],
    ['a body beyond the limit', 413, null, () => post(JSON.stringify({ ...chatRequest('x'.repeat(LIMIT)) }))],
    ['an unknown content encoding', 415, null, () => post('{}', { 'content-encoding': 'zstd' })],
    ['malformed JSON', 400, null, () => post('{"model":"m",')],
    ['a request without a model', 400, 'model', () => post('{"messages":[]}')],
    [
      'content of the wrong type',
      400,
      'messages[0].content',
      () => post('{"model":"m","messages":[{"role":"user","content":7}]}'),
    ],
  ])("answers %s with an error in OpenAI's format", async (_what, status, param, send) => {
    const response = await send()
    const { error } = (await response.json()) as { error: Record<string, unknown> }
    expect(response.status).toBe(status)
    expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type'])
    expect(error).toMatchObject({ type: 'invalid_request_error', param, message: expect.stringMatching(/./) })
    expect(response.headers.get('x-request-id')).toMatch(/^req_/)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(response.headers.get('allow')).toBe(status === 405 ? 'POST' : null)
    expect(upstream.seen).toHaveLength(0)
  })

  test("keeps the client's request id if it is valid", async () => {
    const id = async (given: string): Promise<string | null> =>
      (await post(JSON.stringify(chatRequest()), { 'x-request-id': given })).headers.get('x-request-id')
    expect(await id('trace-1.a_B')).toBe('trace-1.a_B')
    expect(await id('x'.repeat(10_000))).toMatch(/^req_/)
    expect(await id('a b<script>')).toMatch(/^req_/)
  })

  test('leaves other paths to the host, or answers 404 without one', async () => {
    const response = await mounted.fetch(new URL('/hello', mounted.baseURL).href)
    if (hasHost) expect(await response.text()).toBe('the host')
    else {
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ error: { message: 'Invalid URL (GET /hello)' } })
      expect(response.headers.get('x-request-id')).toMatch(/^req_/)
    }
  })

  test.each([
    ['before the first header', false, false],
    ['before the first header of a stream', true, false],
    ['in the middle of a stream', true, true],
  ])('aborts the upstream request at once if the client disconnects %s', async (_when, stream, speaking) => {
    const abortController = new AbortController()
    let asked = false
    let brokenOff = false
    upstream.script = (_req, res) => {
      asked = true
      res.on('close', () => {
        brokenOff = !res.writableFinished
      })
      if (speaking)
        res.writeHead(200, { 'content-type': 'text/event-stream' }).write(streamed('word').slice(0, 2).join(''))
    }
    const { signal } = abortController
    const call = client.chat.completions.create({ ...chatRequest(), stream }, { signal })
    if (speaking) {
      for await (const chunk of (await call) as AsyncIterable<OpenAI.ChatCompletionChunk>)
        if (chunk.choices[0]?.delta.content) break
      abortController.abort()
    } else {
      const failed = call.catch((error: unknown) => error)
      await until(() => asked)
      abortController.abort()
      expect(await failed).toBeInstanceOf(OpenAI.APIUserAbortError)
    }
    await until(() => brokenOff, 100)
    expect(relay.explain('m').targets[0]).toMatchObject({ busy: 0, credentials: [{ cooldownMs: 0 }] })
  })

  test('applies the backpressure of a client that does not read, in bounded memory', async () => {
    const record = Buffer.from(streamed('x'.repeat(64 * 1024))[1] ?? '')
    let written = 0
    let closed = false
    upstream.script = async (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      const closing = once(res, 'close').then(() => {
        closed = true
      })
      for (; written < 200 * MB && !closed; written += record.length) {
        if (!res.write(record)) await Promise.race([once(res, 'drain'), closing])
      }
      res.end()
    }
    const before = memory()
    const abortController = new AbortController()
    const response = await mounted.fetch(`${mounted.baseURL}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...chatRequest(), stream: true }),
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      signal: abortController.signal,
    })
    for (let last = -1; last !== written; ) {
      last = written
      await pause(60)
    }
    expect(response.status).toBe(200)
    expect(written).toBeGreaterThan(0)
    expect(written).toBeLessThan(20 * MB)
    expect(memory() - before).toBeLessThan(32 * MB)
    abortController.abort()
    await until(() => closed, 200)
  })

  test('delivers a long stream completely to a slow client', async () => {
    const words = Array.from({ length: 300 }, (_, index) => `${index} ${'-'.repeat(10_000)}`)
    upstream.script = answerStream(streamed(...words))
    const stream = await client.chat.completions.create({ ...chatRequest(), stream: true })
    let [text, turn] = ['', 0]
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      if (turn++ % 100 === 0) await pause(10)
    }
    expect(text).toBe(words.join(''))
  })

  test('keeps twenty concurrent streams separate', async () => {
    upstream.script = async (_req, res, { body }) => {
      const { content } = JSON.parse(body).messages[0]
      await answerStream(streamed(content, ' and ', content), 1)(_req, res, { body } as never)
    }
    const texts = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        let text = ''
        const stream = await client.chat.completions.create({ ...chatRequest(`number ${index}`), stream: true })
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
        return text
      }),
    )
    expect(texts).toEqual(texts.map((_, index) => `number ${index} and number ${index}`))
  })

  test('still answers after all these failures', async () => {
    expect(await streamedText(client)).toBe('Hello, world')
  })
})

function memory(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
