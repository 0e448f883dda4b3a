import { createServer } from 'node:http'
import OpenAI, { toFile } from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { expressRelay } from '../adapters/express.js'
import { fetchRelay } from '../adapters/fetch.js'
import { koaRelay } from '../adapters/koa.js'
import { nodeRelay } from '../adapters/node.js'
import type { Relay, RelayOptions, UsageRecord } from '../src/index.js'
import { Cleanup } from './cleanup.js'
import { listen } from './listen.js'
import { express5, koa3 } from './mounts.js'
import { answerError, answerJson, answerStream, inTurn, type Script, startUpstream } from './scripted-upstream.js'
import { KEY, testRelay } from './test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const AUDIO = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7919) % 256))
const IMAGE = {
  created: 1,
  data: [{ b64_json: 'aGk=' }],
  usage: { input_tokens: 10, output_tokens: 90, total_tokens: 100 },
}

async function start(script: Script, more: Partial<RelayOptions> = {}, host = nodeRelay as (relay: Relay) => object) {
  const upstream = cleanup.add(await startUpstream(script))
  const records: UsageRecord[] = []
  const relay = cleanup.add(
    testRelay({
      providers: { up: { type: 'openai-compatible', baseURL: upstream.baseURL, apiKey: 'k-12345678' } },
      models: { alias: 'up/real-model', '*': 'up' },
      prices: { '*': { input: 1, output: 1 } },
      plugins: [{ done: (record) => void records.push(record) }],
      retry: { attempts: 3, minDelayMs: 1 },
      ...more,
    }),
  )
  const { baseURL } = cleanup.add(await listen(createServer(host(relay) as never)))
  return { upstream, relay, records, baseURL, openai: new OpenAI({ baseURL, apiKey: KEY, maxRetries: 0 }) }
}

/** Parses a form as an upstream would. */
async function readSeen(seen: { headers: Record<string, unknown> }, raw: Buffer): Promise<FormData> {
  return new Response(raw, { headers: { 'content-type': String(seen.headers['content-type']) } }).formData()
}

describe.each([
  ['node:http', (relay: Relay): object => nodeRelay(relay)],
  [
    'Express',
    (relay: Relay): object => {
      const app = express5()
      app.use('/v1', expressRelay(relay))
      return app
    },
  ],
  ['Koa', (relay: Relay): object => koaApp(relay)],
] as const)('through %s', (_name, host) => {
  it('generates an image', async () => {
    const { openai, upstream, records } = await start(answerJson(IMAGE), {}, host)
    const answer = await openai.images.generate({ model: 'alias', prompt: 'a cat', n: 2 })
    expect(answer.data).toEqual(IMAGE.data)
    expect(upstream.seen[0]?.url).toBe('/v1/images/generations')
    expect(JSON.parse(upstream.seen[0]?.body ?? '')).toEqual({ model: 'real-model', prompt: 'a cat', n: 2 })
    expect(records).toMatchObject([{ operation: 'image', inputTokens: 10, outputTokens: 90, costNanos: 100_000 }])
  })

  it('HC-172: passes a file on byte for byte, also to the second target after the first fails', async () => {
    const words = answerJson({
      text: 'hello',
      usage: { type: 'tokens', input_tokens: 14, output_tokens: 2, total_tokens: 16 },
    })
    const dying: Script = (_req, res) => void res.destroy()
    const { openai, upstream, records } = await start(inTurn(dying, words), {}, host)
    const file = await toFile(AUDIO, 'a "strange" näme.mp3', { type: 'audio/mpeg' })
    const answer = await openai.audio.transcriptions.create({ model: 'alias', file, language: 'en' })
    expect(answer.text).toBe('hello')
    expect(upstream.seen).toHaveLength(2)
    expect(upstream.seen[1]?.raw.equals(upstream.seen[0]?.raw as Buffer)).toBe(true)
    const form = await readSeen(upstream.seen[1] as never, upstream.seen[1]?.raw as Buffer)
    expect([form.get('model'), form.get('language')]).toEqual(['real-model', 'en'])
    const sent = form.get('file') as File
    expect(Buffer.from(await sent.arrayBuffer()).equals(AUDIO)).toBe(true)
    expect(records).toMatchObject([
      { operation: 'transcription', inputTokens: 14, outputTokens: 2, outcome: 'complete' },
    ])
  })

  it('streams speech as it arrives', async () => {
    let more = (): void => undefined
    const script: Script = (_req, res) => {
      res.writeHead(200, { 'content-type': 'audio/mpeg' })
      res.write(AUDIO.subarray(0, 1000))
      more = () => void res.end(AUDIO.subarray(1000))
    }
    const { openai, records } = await start(script, {}, host)
    const answer = await openai.audio.speech.create({ model: 'alias', voice: 'alloy', input: 'hello' })
    expect(answer.headers.get('content-type')).toBe('audio/mpeg')
    more()
    expect(Buffer.from(await answer.arrayBuffer()).equals(AUDIO)).toBe(true)
    await expect.poll(() => records).toMatchObject([{ operation: 'speech', outcome: 'complete' }])
  })
})

function koaApp(relay: Relay): object {
  const app = new koa3()
  app.use(koaRelay(relay))
  return app.callback()
}

describe('images and audio', () => {
  it('speech that ends early is a failure', async () => {
    const script: Script = (_req, res) => {
      res.writeHead(200, { 'content-type': 'audio/mpeg' })
      res.write(AUDIO.subarray(0, 1000))
      setTimeout(() => res.destroy(), 20)
    }
    const { openai, records } = await start(script)
    const answer = await openai.audio.speech.create({ model: 'alias', voice: 'alloy', input: 'hello' })
    await expect(answer.arrayBuffer()).rejects.toThrow()
    expect(records).toMatchObject([{ outcome: 'cut' }])
  })

  it('HC-173: subtitles and plain text pass unchanged', async () => {
    for (const [type, text] of [
      ['text/plain; charset=utf-8', '1\n00:00:00,000 --> 00:00:01,000\nhello\n'],
      ['text/vtt', 'WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n'],
    ] as const) {
      const { openai } = await start((_req, res) => void res.writeHead(200, { 'content-type': type }).end(text))
      const file = await toFile(AUDIO, 'a.mp3')
      const answer = openai.audio.transcriptions.create({ model: 'alias', file, response_format: 'srt' })
      const { data, response } = await answer.withResponse()
      expect(data).toBe(text)
      expect(response.headers.get('content-type')).toBe(type)
    }
  })

  it('are streamed, or answered whole where the upstream ignores `stream`', async () => {
    const events = [
      { type: 'transcript.text.delta', delta: 'hel' },
      {
        type: 'transcript.text.done',
        text: 'hello',
        usage: { type: 'tokens', input_tokens: 3, output_tokens: 2, total_tokens: 5 },
      },
    ]
    const records = events.map((event) => `data: ${JSON.stringify(event)}\n\n`)
    const streamed = await start(answerStream(records))
    const file = await toFile(AUDIO, 'a.mp3')
    const stream = await streamed.openai.audio.transcriptions.create({ model: 'alias', file, stream: true })
    const got = []
    for await (const event of stream) got.push(event)
    expect(got).toEqual(events)
    expect(streamed.records).toMatchObject([{ inputTokens: 3, outputTokens: 2, stream: true }])
    const whole = await start(
      (_req, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end('{"text":"hello"}'),
    )
    const form = new FormData()
    form.set('model', 'whisper-1')
    form.set('stream', 'true')
    form.set('file', new Blob([AUDIO]), 'a.mp3')
    const answer = await fetch(`${whole.baseURL}/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: form,
    })
    expect(await answer.json()).toEqual({ text: 'hello' })
  })

  it('edit several images, by JSON and by form', async () => {
    const { openai, upstream } = await start(answerJson(IMAGE))
    const image = [
      await toFile(AUDIO, 'a.png', { type: 'image/png' }),
      await toFile(AUDIO, 'b.png', { type: 'image/png' }),
    ]
    expect((await openai.images.edit({ model: 'alias', image, prompt: 'more' })).data).toEqual(IMAGE.data)
    const form = await readSeen(upstream.seen[0] as never, upstream.seen[0]?.raw as Buffer)
    expect(form.get('model')).toBe('real-model')
    expect(form.getAll('image[]')).toHaveLength(2)
  })

  it('go to the default model without a name, and moderations and reranking pass through', async () => {
    const { upstream, baseURL, openai, records } = await start(
      answerJson({ id: 'm', model: 'x', results: [{ flagged: false }] }),
      {
        models: { 'omni-moderation-latest': 'up/their-moderation', '*': 'up' },
      },
    )
    expect((await openai.moderations.create({ input: 'hi' })).results).toHaveLength(1)
    expect(JSON.parse(upstream.seen[0]?.body ?? '')).toEqual({ model: 'their-moderation', input: 'hi' })
    const rank = await fetch(`${baseURL}/rerank`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model: 'rank-1', query: 'q', documents: ['a', 'b'] }),
    })
    expect(rank.status).toBe(200)
    expect(upstream.seen[1]?.url).toBe('/v1/rerank')
    expect(records.map(({ operation }) => operation)).toEqual(['moderation', 'rerank'])
  })

  it('fail with the provider’s error message', async () => {
    const { openai } = await start(
      answerError(400, 'The image is not square.', { type: 'image_error', param: 'image' }),
    )
    await expect(openai.images.generate({ model: 'alias', prompt: 'a' })).rejects.toMatchObject({
      status: 400,
      type: 'image_error',
      param: 'image',
    })
  })
})

describe('an invalid form', () => {
  const part = (name: string, value: string, more = ''): string =>
    `--b\r\ncontent-disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`

  it.each([
    ['no model', `${part('prompt', 'a')}--b--\r\n`, 'model'],
    ['two models', `${part('model', 'a')}${part('model', 'b')}--b--\r\n`, 'model'],
    ['a model that is a file', `${part('model', 'a', '; filename="x"')}--b--\r\n`, 'model'],
    ['a boundary that never ends', part('model', 'a'), 'multipart'],
    ['a part without a name', `--b\r\ncontent-type: text/plain\r\n\r\nx\r\n--b--\r\n`, 'multipart'],
    ['a part without an end', '--b\r\ncontent-disposition: form-data; name="model"', 'multipart'],
    ['a field of ten megabytes', `${part('model', 'x'.repeat(10_000_000))}--b--\r\n`, 'model'],
    ['nothing but a boundary', '--b--\r\n', 'multipart'],
    ['a thousand and one parts', `${part('x', 'y').repeat(1001)}--b--\r\n`, 'multipart'],
  ])('%s: answers 400 with the reason, and sends nothing', async (_name, body, word) => {
    const { baseURL, upstream } = await start(answerJson({ text: 'never' }))
    const answer = await fetch(`${baseURL}/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'multipart/form-data; boundary=b' },
      body,
    })
    expect(answer.status).toBe(400)
    expect(((await answer.json()) as { error: { message: string } }).error.message).toContain(word)
    expect(upstream.seen).toHaveLength(0)
  })

  it('is a 413 above the limit, and a 503 with too many uploads at once', async () => {
    const slow: Script = (req, res, seen) => void setTimeout(() => void answerJson({ text: 'x' })(req, res, seen), 100)
    const { relay } = await start(slow, { maxBodyBytes: 300_000, maxUploadBytes: 500_000 })
    const send = (size: number): Promise<Response> =>
      fetchRelay(relay)('http://relay/v1/audio/transcriptions', {
        method: 'POST',
        headers: {
          authorization: `Bearer ${KEY}`,
          'content-type': 'multipart/form-data; boundary=b',
          'content-length': String(size),
        },
        body: `${part('model', 'm')}${part('file', 'x'.repeat(size - 200), '; filename="x"')}--b--\r\n`,
      })
    expect((await send(400_000)).status).toBe(413)
    const answers = await Promise.all([send(200_000), send(200_000), send(200_000)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 503])
    expect((await send(200_000)).status).toBe(200)
  })
})

describe('the cache', () => {
  it('separates forms and endpoints, however similar they are', async () => {
    let count = 0
    const script: Script = (req, res, seen) =>
      answerJson({ text: `answer ${++count}`, created: 1, data: [] })(req, res, seen)
    const { relay } = await start(script, { cache: { temperature: 'any' } })
    const send = async (
      path: string,
      body: string,
      headers: Record<string, string> = {},
    ): Promise<[number, string | null]> => {
      const answer = await fetchRelay(relay)(`http://relay/v1/${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${KEY}`, ...headers },
        body,
      })
      return [answer.status, answer.headers.get('x-modelmount-cache')]
    }
    const form = (word: string): string =>
      `--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nm\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\n${word}\r\n--b--\r\n`
    expect(await send('audio/transcriptions', form('one'))).toEqual([200, 'miss'])
    expect(await send('audio/transcriptions', form('two'))).toEqual([200, 'miss'])
    expect(await send('audio/translations', form('one'))).toEqual([200, 'miss'])
    expect(await send('audio/transcriptions', form('one'))).toEqual([200, 'hit'])
    const prompt = JSON.stringify({ model: 'm', prompt: 'a cat', image: 'x' })
    expect(await send('images/generations', prompt)).toEqual([200, 'miss'])
    expect(await send('images/edits', prompt)).toEqual([200, 'miss'])
    const keyed = { 'idempotency-key': 'k' }
    expect((await send('audio/transcriptions', form('three'), keyed))[0]).toBe(200)
    expect((await send('audio/transcriptions', form('four'), keyed))[0]).toBe(409)
    expect((await send('audio/translations', form('three'), keyed))[0]).toBe(409)
  })
})
