import { createServer } from 'node:http'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { fetchRelay } from '../adapters/fetch.js'
import { nodeRelay } from '../adapters/node.js'
import type { RelayOptions, UsageRecord } from '../src/index.js'
import { toBase64 } from '../src/lib/vectors.js'
import { Cleanup } from './cleanup.js'
import { listen } from './listen.js'
import { answerError, answerJson, inTurn, type Script, startUpstream } from './scripted-upstream.js'
import { KEY, testRelay } from './test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const VECTORS = [
  [0.6, 0.8, 0],
  [0, -0.6, 0.8],
]
const round = (vector: readonly number[]): number[] => vector.map((value) => Math.round(value * 1e6) / 1e6)

/** Answers as OpenAI does, in the requested encoding. `encoding`: for servers that ignore the request. */
const likeOpenAI =
  (encoding?: 'float'): Script =>
  (req, res, seen) => {
    const { input, encoding_format: requested } = JSON.parse(seen.body) as { input: unknown; encoding_format?: string }
    const count = Array.isArray(input) && typeof input[0] !== 'number' ? input.length : 1
    const data = VECTORS.slice(0, count).map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: (encoding ?? requested) === 'base64' ? toBase64(vector) : vector,
    }))
    const usage = { prompt_tokens: 4, total_tokens: 4 }
    return answerJson({ object: 'list', data: data.reverse(), model: 'real-model', usage })(req, res, seen)
  }

const likeGemini: Script = (req, res, seen) => {
  const { requests } = JSON.parse(seen.body) as { requests?: unknown[] }
  const values = VECTORS.map((vector) => ({ values: vector.map((value) => value * 3) }))
  const answer = requests ? { embeddings: values.slice(0, requests.length) } : { embedding: values[0] }
  return answerJson(answer)(req, res, seen)
}

async function start(script: Script, type: 'openai-compatible' | 'gemini', more: Partial<RelayOptions> = {}) {
  const upstream = cleanup.add(await startUpstream(script))
  const records: UsageRecord[] = []
  const baseURL = type === 'gemini' ? `http://127.0.0.1:${upstream.port}` : upstream.baseURL
  const relay = cleanup.add(
    testRelay({
      providers: { up: { type, baseURL, apiKey: 'k-12345678' } },
      models: { embed: 'up/real-model' },
      prices: { '*': { input: 1, output: 0 } },
      plugins: [{ done: (record) => void records.push(record) }],
      ...more,
    }),
  )
  const { baseURL: relayURL } = cleanup.add(await listen(createServer(nodeRelay(relay))))
  const openai = new OpenAI({ baseURL: relayURL, apiKey: KEY, maxRetries: 0 })
  const gemini = new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: relayURL.replace(/\/v1$/, '') } })
  const ask = (body: object) =>
    fetchRelay(relay)('http://relay/v1/embeddings', {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model: 'embed', ...body }),
    })
  return { upstream, relay, records, openai, gemini, ask }
}

describe('embeddings', () => {
  it('pass unchanged between OpenAI’s client and an OpenAI upstream, in Base64 by default', async () => {
    const { openai, upstream, records } = await start(likeOpenAI(), 'openai-compatible')
    const answer = await openai.embeddings.create({ model: 'embed', input: ['one', 'two'] })
    expect(answer.data.toSorted((a, b) => a.index - b.index).map(({ embedding }) => round(embedding))).toEqual(VECTORS)
    expect(JSON.parse(upstream.seen[0]?.body ?? '')).toEqual({
      model: 'real-model',
      input: ['one', 'two'],
      encoding_format: 'base64',
    })
    expect(upstream.seen[0]?.url).toBe('/v1/embeddings')
    expect(records).toMatchObject([
      {
        operation: 'embed',
        inputTokens: 4,
        outputTokens: 0,
        costNanos: 4000,
        target: 'up/real-model',
        estimated: false,
      },
    ])
  })

  it('HC-169: are encoded in Base64 where the server ignores encoding_format', async () => {
    const { openai, ask } = await start(likeOpenAI('float'), 'openai-compatible')
    const answer = await openai.embeddings.create({ model: 'embed', input: 'one' })
    expect(round(answer.data[0]?.embedding ?? [])).toEqual(VECTORS[0])
    const inBase64 = (await (
      await ask({ input: 'one', encoding_format: 'base64' })
    ).json()) as OpenAI.CreateEmbeddingResponse
    expect(inBase64.data[0]?.embedding).toBe(toBase64(VECTORS[0] ?? []))
    const plain = (await (await ask({ input: ['one', 'two'] })).json()) as OpenAI.CreateEmbeddingResponse
    expect(plain.data.map(({ index }) => index)).toEqual([1, 0])
  })

  it('answer OpenAI’s client from Gemini: in order, normalized to length 1, with losses', async () => {
    const { openai, upstream, ask, records } = await start(likeGemini, 'gemini')
    const answer = await openai.embeddings.create({ model: 'embed', input: ['one', 'two'], dimensions: 3 })
    expect(answer.data.map(({ embedding, index }) => [index, round(embedding)])).toEqual([
      [0, VECTORS[0]],
      [1, VECTORS[1]],
    ])
    expect(answer.model).toBe('embed')
    expect(upstream.seen[0]?.url).toBe('/v1beta/models/real-model:batchEmbedContents')
    expect(JSON.parse(upstream.seen[0]?.body ?? '')).toEqual({
      requests: ['one', 'two'].map((text) => ({
        model: 'models/real-model',
        content: { parts: [{ text }] },
        outputDimensionality: 3,
      })),
    })
    const single = await ask({ input: 'one', user: 'me' })
    expect(single.headers.get('x-modelmount-losses')).toContain('user')
    expect(upstream.seen[1]?.url).toBe('/v1beta/models/real-model:embedContent')
    // Gemini reports no usage, so the record says that it is estimated.
    expect(records[1]).toMatchObject({ estimated: true })
    expect(records[1]?.inputTokens).toBeGreaterThan(0)
  })

  it('answer Google’s client from Gemini and OpenAI', async () => {
    for (const [script, type] of [
      [likeGemini, 'gemini'],
      [likeOpenAI(), 'openai-compatible'],
    ] as const) {
      const { gemini, upstream } = await start(script, type)
      const answer = await gemini.models.embedContent({ model: 'embed', contents: ['one', 'two'] })
      const vectors = answer.embeddings?.map(({ values = [] }) => values) ?? []
      const factor = type === 'gemini' ? 3 : 1
      expect(vectors.map(round)).toEqual(VECTORS.map((vector) => round(vector.map((value) => value * factor))))
      // The upstream gets its own model's name in every place, not the relay's alias.
      expect(upstream.seen[0]?.body).not.toContain('embed"')
    }
  })

  it('HC-170: answer 400 with the path for empty input, tokens for Gemini, and too many inputs', async () => {
    const { ask, upstream } = await start(likeGemini, 'gemini')
    for (const [body, param] of [
      [{ input: [] }, 'input'],
      [{ input: '' }, 'input'],
      [{}, 'input'],
      [{ input: ['a', ''] }, 'input[1]'],
      [{ input: [[1, 2], [3]] }, 'input[0]'],
      [{ input: Array.from({ length: 2049 }, () => 'a') }, 'input'],
      [{ input: 'a', encoding_format: 'hex' }, 'encoding_format'],
      [{ input: 'a', dimensions: 'many' }, 'dimensions'],
    ] as const) {
      const refused = await ask(body)
      const { error } = (await refused.json()) as { error: { param: string } }
      expect([refused.status, error.param]).toEqual([400, param])
    }
    expect(upstream.seen).toHaveLength(0)
  })

  it('accept tokens where the upstream does', async () => {
    const { ask, upstream } = await start(likeOpenAI(), 'openai-compatible')
    expect((await ask({ input: [1, 2, 3] })).status).toBe(200)
    expect((await ask({ input: [[1, 2], [3]] })).status).toBe(200)
    expect(JSON.parse(upstream.seen[1]?.body ?? '')).toMatchObject({ input: [[1, 2], [3]] })
  })

  it('fail over, are cached, and count toward limits', async () => {
    const { ask, upstream, records } = await start(
      inTurn(answerError(500, 'down'), likeOpenAI()),
      'openai-compatible',
      {
        cache: {},
        limits: { rpm: 2 },
        retry: { attempts: 3, minDelayMs: 1 },
      },
    )
    expect((await ask({ input: 'one' })).headers.get('x-modelmount-attempts')).toBe(
      'up/real-model 500, up/real-model 200',
    )
    expect((await ask({ input: 'one' })).headers.get('x-modelmount-cache')).toBe('hit')
    expect((await ask({ input: 'one' })).status).toBe(429)
    expect(upstream.seen).toHaveLength(2)
    expect(records.map(({ costNanos }) => costNanos)).toEqual([4000, 0, 0])
  })

  it('are refused with strict translation where there would be losses', async () => {
    const strict = { translation: 'strict' } as const
    const google = await start(likeGemini, 'gemini', strict)
    await expect(google.openai.embeddings.create({ model: 'embed', input: 'a', user: 'me' })).rejects.toMatchObject({
      status: 400,
      code: 'untranslatable',
      param: 'user',
    })
    expect(google.upstream.seen).toEqual([])
    expect((await google.openai.embeddings.create({ model: 'embed', input: 'a' })).data).toHaveLength(1)
    const open = await start(likeOpenAI(), 'openai-compatible', strict)
    const config = { taskType: 'CLUSTERING' }
    await expect(open.gemini.models.embedContent({ model: 'embed', contents: 'a', config })).rejects.toMatchObject({
      status: 400,
    })
    await open.openai.embeddings.create({ model: 'embed', input: 'a', user: 'me' })
    expect(open.upstream.seen).toHaveLength(1)
  })

  it.each([
    ['missing', []],
    ['one of two', [{ index: 0, embedding: [1] }]],
    ['three', [0, 1, 2].map((index) => ({ index, embedding: [1] }))],
    ['two, but not the first', [1, 2].map((index) => ({ index, embedding: [1] }))],
    ['two with the same index', [1, 1].map((index) => ({ index, embedding: [1] }))],
  ])('that are %s make an invalid answer to two inputs', async (_name, data) => {
    const answer = { data, ...(data.length === 0 ? { base_resp: { status_code: 1002, status_msg: 'slow' } } : {}) }
    const { ask, gemini } = await start(answerJson(answer), 'openai-compatible', { retry: { attempts: 1 } })
    const isPassedThrough = data.length !== 2
    const response = await ask({ input: ['a', 'b'], encoding_format: isPassedThrough ? 'float' : 'base64' })
    expect(response.status).toBe(data.length === 0 ? 429 : 502)
    await expect(gemini.models.embedContent({ model: 'embed', contents: ['a', 'b'] })).rejects.toMatchObject({
      status: data.length === 0 ? 503 : 502,
    })
  })

  it('use only fallbacks whose protocol has embeddings', async () => {
    const refused = answerError(400, 'not this', { code: 'content_filter' })
    const upstream = cleanup.add(await startUpstream(inTurn(refused, likeOpenAI())))
    const { openai } = await start(likeGemini, 'gemini', {
      providers: {
        up: { type: 'openai-compatible', baseURL: upstream.baseURL },
        claude: { type: 'anthropic', apiKey: 'k-12345678', baseURL: upstream.baseURL },
      },
      models: { embed: { targets: ['up/first'], onContentFilter: ['claude/none', 'up/second'] } },
    })
    expect((await openai.embeddings.create({ model: 'embed', input: 'a' })).data).toHaveLength(1)
    expect(upstream.seen.map(({ body }) => (JSON.parse(body) as { model: string }).model)).toEqual(['first', 'second'])
  })

  it('answer 400 for a model without embeddings, and 502 for a wrong number of vectors', async () => {
    const { ask } = await start(answerJson({}), 'openai-compatible', {
      providers: { up: { type: 'anthropic', apiKey: 'k-12345678', baseURL: 'http://127.0.0.1:9' } },
    })
    expect((await ask({ input: 'one' })).status).toBe(400)
    const short = await start(answerJson({ embeddings: [{ values: [1] }] }), 'gemini', { retry: { attempts: 1 } })
    expect((await short.ask({ input: ['one', 'two'] })).status).toBe(502)
  })
})
