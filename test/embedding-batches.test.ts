import { createServer } from 'node:http'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { nodeRelay } from '../adapters/node.js'
import type { RelayOptions, UsageRecord } from '../src/index.js'
import { toBase64 } from '../src/lib/vectors.js'
import { Cleanup } from './cleanup.js'
import { listen } from './listen.js'
import { answerError, answerJson, type Script, type ScriptedUpstream, startUpstream } from './scripted-upstream.js'
import { KEY, testRelay } from './test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

/** The vector of `text 7` has an angle of 7 thousandths of 90°, so each vector shows its text. */
const TEXTS = Array.from({ length: 250 }, (_each, index) => `text ${index}`)
const positionsOf = (answer: OpenAI.CreateEmbeddingResponse): number[] =>
  answer.data.map(({ embedding: [x = 0, y = 0] }) => Math.round((Math.atan2(y, x) / (Math.PI / 2)) * 1000))
const ALL = TEXTS.map((_text, index) => index)

const textsOf = (body: string): number[] => {
  const { requests } = JSON.parse(body) as { requests: { content: { parts: { text: string }[] } }[] }
  return requests.map(({ content }) => Number(content.parts[0]?.text.slice(5)))
}
const vectorOf = (index: number): number[] => [
  Math.cos((index / 1000) * (Math.PI / 2)),
  Math.sin((index / 1000) * (Math.PI / 2)),
]

/** Refuses more than 100 inputs, as Gemini does. Answers later batches sooner. */
const likeGemini: Script = async (req, res, seen) => {
  const positions = textsOf(seen.body)
  if (positions.length > 100) return answerError(400, 'at most 100 requests can be in one batch')(req, res, seen)
  await new Promise((resolve) => setTimeout(resolve, 40 - (positions[0] ?? 0) / 10))
  const embeddings = positions.map((index) => ({ values: vectorOf(index) }))
  return answerJson({ embeddings, usageMetadata: { promptTokenCount: positions.length * 2 } })(req, res, seen)
}
const firstOf = ({ body }: { body: string }): number => textsOf(body)[0] ?? 0
/** Runs another script for the batch that starts at `first`. */
const exceptBatch =
  (first: number, script: Script): Script =>
  (req, res, seen) =>
    (firstOf(seen) === first ? script : likeGemini)(req, res, seen)

/** Answers after all other batches. */
const slowly =
  (script: Script): Script =>
  async (...args) => {
    await new Promise((resolve) => setTimeout(resolve, 150))
    return script(...args)
  }

/** Speaks OpenAI's protocol, but accepts few inputs per request, as DashScope does. */
const likeOpenAI =
  (maxInputs: number): Script =>
  (req, res, seen) => {
    const { input, encoding_format: encoding } = JSON.parse(seen.body) as { input: string[]; encoding_format?: string }
    if (input.length > maxInputs) return answerError(400, `at most ${maxInputs}`)(req, res, seen)
    const vectors = input.map((text) => vectorOf(Number(text.slice(5))))
    const data = vectors.map((vector, index) => ({
      index,
      embedding: encoding === 'base64' ? toBase64(vector) : vector,
    }))
    return answerJson({ data: data.reverse(), usage: { prompt_tokens: input.length * 2 } })(req, res, seen)
  }

async function start(scripts: readonly Script[], more: Partial<RelayOptions> = {}, providerOptions: object = {}) {
  const upstreams = await Promise.all(scripts.map(async (script) => cleanup.add(await startUpstream(script))))
  const records: UsageRecord[] = []
  const provider = ({ port }: ScriptedUpstream) => ({
    type: 'gemini',
    apiKey: 'k-12345678',
    baseURL: `http://127.0.0.1:${port}`,
    ...providerOptions,
  })
  const relay = cleanup.add(
    testRelay({
      providers: Object.fromEntries(upstreams.map((upstream, index) => [`up${index}`, provider(upstream)])),
      models: { embed: upstreams.map((_upstream, index) => `up${index}/real-model`) },
      prices: { '*': { input: 1, output: 0 } },
      plugins: [{ done: (record) => void records.push(record) }],
      ...more,
    }),
  )
  const { baseURL } = cleanup.add(await listen(createServer(nodeRelay(relay))))
  return { upstreams, records, baseURL, openai: new OpenAI({ baseURL, apiKey: KEY, maxRetries: 0 }) }
}

describe('more inputs than a provider accepts in one request', () => {
  it('are sent in batches, and answered in order with one usage', async () => {
    const { openai, upstreams, records } = await start([likeGemini], { limits: { rpm: 1 } })
    const { data, response } = await openai.embeddings.create({ model: 'embed', input: TEXTS }).withResponse()
    expect(positionsOf(data)).toEqual(ALL)
    expect(data.data.map(({ index }) => index)).toEqual(ALL)
    expect(data.usage).toEqual({ prompt_tokens: 500, total_tokens: 500 })
    expect(response.headers.get('x-modelmount-attempts')).toBe('up0/real-model 200')
    const batches = (upstreams[0]?.seen ?? []).map(({ body }) => textsOf(body)).toSorted(([a = 0], [b = 0]) => a - b)
    expect(batches.map(({ length }) => length)).toEqual([100, 100, 50])
    expect(batches.flat()).toEqual(ALL)
    expect(upstreams[0]?.seen.every(({ url }) => url === '/v1beta/models/real-model:batchEmbedContents')).toBe(true)
    expect(records).toMatchObject([
      { operation: 'embed', target: 'up0/real-model', inputTokens: 500, costNanos: 500_000, outcome: 'complete' },
    ])
  })

  it('go to the next target as a whole when one batch fails', async () => {
    const { openai, upstreams, records } = await start([exceptBatch(100, answerError(500, 'down')), likeGemini])
    const { data, response } = await openai.embeddings.create({ model: 'embed', input: TEXTS }).withResponse()
    expect(positionsOf(data)).toEqual(ALL)
    expect(response.headers.get('x-modelmount-attempts')).toBe('up0/real-model 500, up1/real-model 200')
    expect(upstreams[1]?.seen).toHaveLength(3)
    expect(records).toMatchObject([{ target: 'up1/real-model', inputTokens: 500 }])
  })

  it('are not sent again to the same target once answered', async () => {
    let failures = 0
    const { openai, upstreams } = await start(
      [
        exceptBatch(200, (...args) =>
          failures++ === 0 ? slowly(answerError(503, 'busy'))(...args) : likeGemini(...args),
        ),
      ],
      { retry: { attempts: 3, minDelayMs: 10 } },
    )
    expect(positionsOf(await openai.embeddings.create({ model: 'embed', input: TEXTS }))).toEqual(ALL)
    expect(upstreams[0]?.seen.map(firstOf).toSorted((a, b) => a - b)).toEqual([0, 100, 200, 200])
  })

  it('fail with the error of the failed batch, and with 502 where a batch has too few vectors', async () => {
    const refused = await start([exceptBatch(200, answerError(400, 'text 201 is not nice'))])
    await expect(refused.openai.embeddings.create({ model: 'embed', input: TEXTS })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('text 201 is not nice'),
    })
    expect(refused.records).toMatchObject([{ outcome: 'failed', costNanos: 0 }])
    const short = await start([exceptBatch(100, answerJson({ embeddings: [{ values: [1, 0] }] }))], {
      retry: { attempts: 1 },
    })
    await expect(short.openai.embeddings.create({ model: 'embed', input: TEXTS })).rejects.toMatchObject({
      status: 502,
    })
  })

  it('are sent in at most four requests at once, and in none after the client disconnects', async () => {
    const silent: Script = () => undefined
    const { openai, upstreams, records } = await start([silent])
    const [upstream] = upstreams
    const controller = new AbortController()
    const many = Array.from({ length: 1200 }, (_each, index) => `text ${index}`)
    const request = openai.embeddings.create({ model: 'embed', input: many }, { signal: controller.signal })
    await expect.poll(() => upstream?.seen.length).toBe(4)
    const maxRunning = upstream?.running.size
    controller.abort()
    await expect(request).rejects.toThrow()
    await expect.poll(() => upstream?.running.size).toBe(0)
    await expect.poll(() => records.map(({ outcome }) => outcome)).toEqual(['left'])
    expect([maxRunning, upstream?.seen.length]).toEqual([4, 4])
  })

  it('abort other requests when one batch fails', async () => {
    const { openai, upstreams } = await start([
      (req, res, seen) => (firstOf(seen) === 100 ? answerError(400, 'no')(req, res, seen) : undefined),
    ])
    await expect(openai.embeddings.create({ model: 'embed', input: TEXTS })).rejects.toMatchObject({ status: 400 })
    await expect.poll(() => upstreams[0]?.running.size).toBe(0)
  })

  it('are sent one after another to a paced provider', async () => {
    let maxRunning = 0
    const countRunning: Script = (...args) => {
      maxRunning = Math.max(maxRunning, upstreams[0]?.running.size ?? 0)
      return likeGemini(...args)
    }
    const { openai, upstreams } = await start([countRunning], {}, { pace: { concurrency: 1, queue: 0 } })
    expect(positionsOf(await openai.embeddings.create({ model: 'embed', input: TEXTS }))).toEqual(ALL)
    expect(maxRunning).toBe(1)
  })

  it('are sent once for equal requests at the same time, and cached', async () => {
    const { openai, upstreams, records } = await start([likeGemini], { cache: {} })
    const ask = (): Promise<OpenAI.CreateEmbeddingResponse> =>
      openai.embeddings.create({ model: 'embed', input: TEXTS })
    const answers = [...(await Promise.all([ask(), ask()])), await ask()]
    for (const answer of answers) expect(positionsOf(answer)).toEqual(ALL)
    expect(upstreams[0]?.seen).toHaveLength(3)
    expect(records.map(({ costNanos = 0 }) => costNanos).toSorted((a, b) => a - b)).toEqual([0, 0, 500_000])
  })

  it.each([
    ['qwen', 10],
    ['cohere', 96],
  ])(
    'of an OpenAI client for %s, of the same protocol: %i per request, other fields unchanged',
    async (type, maxInputs) => {
      const { openai, upstreams, records } = await start([likeOpenAI(maxInputs)], { translation: 'strict' }, { type })
      const request = { model: 'embed', input: TEXTS, dimensions: 2, user: 'me', input_type: 'search_query' }
      for (const more of [{}, { encoding_format: 'float' as const }]) {
        const { data, response } = await openai.embeddings.create({ ...request, ...more }).withResponse()
        expect(positionsOf(data)).toEqual(ALL)
        expect(data.usage).toEqual({ prompt_tokens: 500, total_tokens: 500 })
        expect(response.headers.get('x-modelmount-losses')).toBeNull()
      }
      expect(records).toMatchObject([{ inputTokens: 500 }, { inputTokens: 500 }])
      const sent = (upstreams[0]?.seen ?? []).map(({ body }) => JSON.parse(body) as typeof request)
      expect(sent).toHaveLength(2 * Math.ceil(250 / maxInputs))
      for (const { input, ...rest } of sent) {
        expect(input.length).toBeLessThanOrEqual(maxInputs)
        expect(rest).toMatchObject({ model: 'real-model', dimensions: 2, user: 'me', input_type: 'search_query' })
      }
      const few = await openai.embeddings.create({ ...request, input: TEXTS.slice(0, 3) })
      expect(positionsOf(few).toSorted()).toEqual([0, 1, 2])
      expect(upstreams[0]?.seen.at(-1)?.body).toBe(
        JSON.stringify({ ...request, model: 'real-model', input: TEXTS.slice(0, 3), encoding_format: 'base64' }),
      )
    },
  )

  it('are refused with strict translation where there would be losses', async () => {
    const { openai, upstreams } = await start([likeGemini], { translation: 'strict' })
    const request = { model: 'embed', input: TEXTS }
    await expect(openai.embeddings.create({ ...request, user: 'me' })).rejects.toMatchObject({
      status: 400,
      code: 'untranslatable',
      param: 'user',
    })
    expect(upstreams[0]?.seen).toEqual([])
    expect(positionsOf(await openai.embeddings.create(request))).toEqual(ALL)
  })

  it('of Google’s client for Gemini pass unchanged', async () => {
    const { baseURL, upstreams } = await start([likeGemini])
    const google = new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: baseURL.replace(/\/v1$/, '') } })
    await expect(google.models.embedContent({ model: 'embed', contents: TEXTS })).rejects.toMatchObject({ status: 400 })
    expect(upstreams[0]?.seen.map(({ body }) => textsOf(body).length)).toEqual([250])
  })
})
