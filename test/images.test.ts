import { createServer } from 'node:http'
import OpenAI, { toFile } from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { fetchRelay } from '../adapters/fetch.js'
import { nodeRelay } from '../adapters/node.js'
import type { RelayOptions, UsageRecord } from '../src/index.js'
import { Cleanup } from './cleanup.js'
import { listen } from './listen.js'
import { answerError, answerJson, inTurn, type Script, type Seen, startUpstream } from './scripted-upstream.js'
import { KEY, testRelay } from './test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const PNG = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(60_000, 7)])
const JPEG = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(100, 9)])
const B64 = PNG.toString('base64')
const USAGE = {
  promptTokenCount: 10,
  candidatesTokenCount: 1290,
  promptTokensDetails: [
    { modality: 'TEXT', tokenCount: 4 },
    { modality: 'IMAGE', tokenCount: 6 },
  ],
  candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1290 }],
}
const OPENAI_ANSWER = {
  created: 1,
  data: [{ b64_json: 'aGk=' }],
  usage: { input_tokens: 10, output_tokens: 90, total_tokens: 100 },
}

/** A Gemini answer with these parts. */
const geminiAnswer = (parts: object[], more: object = {}): object => ({
  candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP', index: 0, ...more }],
  usageMetadata: USAGE,
})
const imagePart = (data = B64, mimeType = 'image/png'): object => ({ inlineData: { mimeType, data } })
const answerImage = answerJson(geminiAnswer([{ text: 'Here it is.' }, imagePart()]))

type Upstreams = Readonly<Record<string, { readonly script: Script; readonly type: 'gemini' | 'openai-compatible' }>>

/** Starts a relay with scripted upstreams. The model `draw` has a target at each, in this order. */
async function startAll(upstreams: Upstreams, model: string, more: Partial<RelayOptions> = {}) {
  const seen: Record<string, Seen[]> = {}
  const providers: RelayOptions['providers'] = {}
  for (const [name, { script, type }] of Object.entries(upstreams)) {
    const upstream = cleanup.add(await startUpstream(script))
    seen[name] = upstream.seen
    const baseURL = type === 'gemini' ? `http://127.0.0.1:${upstream.port}` : upstream.baseURL
    providers[name] = { type, baseURL, apiKey: 'k-12345678' }
  }
  const records: UsageRecord[] = []
  const relay = cleanup.add(
    testRelay({
      providers,
      models: { draw: Object.keys(upstreams).map((name) => `${name}/${model}`) },
      prices: { '*': { input: 1, output: 1 } },
      plugins: [{ done: (record) => void records.push(record) }],
      retry: { attempts: 3, minDelayMs: 1 },
      ...more,
    }),
  )
  const { baseURL } = cleanup.add(await listen(createServer(nodeRelay(relay))))
  const post = (path: string, body: object): Promise<Response> =>
    fetch(`${baseURL}/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model: 'draw', ...body }),
    })
  const openai = new OpenAI({ baseURL, apiKey: KEY, maxRetries: 0 })
  return { openai, seen, records, post, relay }
}

async function start(script: Script, model = 'gemini-3-pro-image', more: Partial<RelayOptions> = {}) {
  const { seen, ...all } = await startAll({ google: { script, type: 'gemini' } }, model, more)
  return { ...all, seen: seen.google ?? [] }
}

function sentBody(seen: readonly Seen[], index = 0): Record<string, unknown> {
  return JSON.parse(seen[index]?.body ?? '{}') as Record<string, unknown>
}

const lossesOf = (response: Response): string => response.headers.get('x-modelmount-losses') ?? ''

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = []
  for await (const item of items) list.push(item)
  return list
}

describe('images by Gemini', () => {
  it('answer OpenAI’s client', async () => {
    const { openai, seen, records } = await start(answerImage)
    const { data: answer, response } = await openai.images
      .generate({ model: 'draw', prompt: 'a cat', size: '1024x1024', user: 'me' })
      .withResponse()
    expect(answer.data).toEqual([{ b64_json: B64 }])
    expect(answer.output_format).toBe('png')
    expect(answer.created).toBeGreaterThan(1_700_000_000)
    expect(answer.usage).toEqual({
      input_tokens: 10,
      input_tokens_details: { image_tokens: 6, text_tokens: 4 },
      output_tokens: 1290,
      output_tokens_details: { image_tokens: 1290, text_tokens: 0 },
      total_tokens: 1300,
    })
    expect(seen[0]?.url).toBe('/v1beta/models/gemini-3-pro-image:generateContent')
    expect(sentBody(seen)).toEqual({
      contents: [{ role: 'user', parts: [{ text: 'a cat' }] }],
      generationConfig: { responseModalities: ['TEXT', 'IMAGE'], imageConfig: { aspectRatio: '1:1' } },
    })
    expect(lossesOf(response)).toBe('')
    expect(response.headers.get('x-modelmount-cost')).toBe('0.0013')
    expect(records).toMatchObject([
      {
        operation: 'image',
        target: 'google/gemini-3-pro-image',
        inputTokens: 10,
        outputTokens: 1290,
        costNanos: 1_300_000,
        estimated: false,
        outcome: 'complete',
        attempts: [{ target: 'google/gemini-3-pro-image', status: 200 }],
      },
    ])
  })

  it.each([
    ['1536x1024', { aspectRatio: '3:2' }, true],
    ['2048x2048', { aspectRatio: '1:1', imageSize: '2K' }, false],
    ['3840x1646', { aspectRatio: '21:9', imageSize: '2K' }, true],
    ['16:9', { aspectRatio: '16:9' }, false],
    ['auto', undefined, false],
  ])('of size %s', async (size, imageConfig, isLoss) => {
    const { post, seen } = await start(answerImage)
    const response = await post('images/generations', { prompt: 'a cat', size })
    expect((sentBody(seen).generationConfig as { imageConfig?: object }).imageConfig).toEqual(imageConfig)
    expect(lossesOf(response).includes('size')).toBe(isLoss)
  })

  it('take one upstream request each, and sum up their usage in one call', async () => {
    let count = 0
    const script: Script = (req, res, seen) =>
      answerJson(geminiAnswer([imagePart(btoa(`image ${++count}`))]))(req, res, seen)
    const { openai, seen, records } = await start(script)
    const answer = await openai.images.generate({ model: 'draw', prompt: 'a cat', n: 6 })
    expect(answer.data?.map(({ b64_json }) => atob(b64_json ?? '')).sort()).toEqual(
      Array.from({ length: 6 }, (_, index) => `image ${index + 1}`),
    )
    expect(seen).toHaveLength(6)
    expect(answer.usage).toMatchObject({ input_tokens: 60, output_tokens: 6 * 1290 })
    expect(records).toMatchObject([{ inputTokens: 60, outputTokens: 6 * 1290, attempts: [{ status: 200 }] }])
  })

  it('that arrived before one request failed are not requested again', async () => {
    const { openai, seen, records } = await start(inTurn(answerImage, answerError(500, 'down'), answerImage))
    const answer = await openai.images.generate({ model: 'draw', prompt: 'a cat', n: 2 })
    expect(answer.data).toHaveLength(2)
    expect(seen).toHaveLength(3)
    expect(records).toMatchObject([{ attempts: [{ status: 500 }, { status: 200 }] }])
  })

  it('are edited by form, with any file name', async () => {
    const { openai, seen } = await start(answerImage)
    const image = [await toFile(PNG, 'a.jpg', { type: 'image/jpeg' }), await toFile(JPEG, 'b')]
    const answer = await openai.images.edit({ model: 'draw', image, prompt: 'mehr Licht für die Katze', n: 1 })
    expect(answer.data).toEqual([{ b64_json: B64 }])
    expect(sentBody(seen).contents).toEqual([
      {
        role: 'user',
        parts: [imagePart(), imagePart(JPEG.toString('base64'), 'image/jpeg'), { text: 'mehr Licht für die Katze' }],
      },
    ])
  })

  it('are edited by JSON, with every form of image', async () => {
    const url = `data:image/png;base64,${B64}`
    for (const images of [
      { image: url },
      { image: [url] },
      { images: [{ image_url: url }] },
      { images: [{ image_url: { url } }] },
    ]) {
      const { post, seen } = await start(answerImage)
      expect((await post('images/edits', { prompt: 'more', ...images })).status).toBe(200)
      expect(sentBody(seen).contents).toEqual([{ role: 'user', parts: [imagePart(), { text: 'more' }] }])
    }
  })

  it('are edited by form with image URLs, and record other files as losses', async () => {
    const { relay, seen } = await start(answerImage)
    const form = new FormData()
    for (const [name, value] of [
      ['model', 'draw'],
      ['prompt', 'more'],
      ['n', '1'],
      ['partial_images', '0'],
      ['image', `data:image/png;base64,${B64}`],
    ] as const)
      form.set(name, value)
    form.set('palette', new Blob([PNG]), 'p.png')
    const headers = { authorization: `Bearer ${KEY}` }
    const answer = await fetchRelay(relay)('http://relay/v1/images/edits', { method: 'POST', headers, body: form })
    expect(answer.status).toBe(200)
    expect(lossesOf(answer)).toBe('palette: has no equivalent in gemini')
    expect(sentBody(seen).contents).toEqual([{ role: 'user', parts: [imagePart(), { text: 'more' }] }])
  })

  it('are passed on by URL, or fetched where the config allows it', async () => {
    const image = 'https://127.0.0.1/cat.png'
    const { post, seen } = await start(answerImage)
    expect((await post('images/edits', { prompt: 'more', image })).status).toBe(200)
    const file = { fileData: { mimeType: 'image/png', fileUri: image } }
    expect(sentBody(seen).contents).toEqual([{ role: 'user', parts: [file, { text: 'more' }] }])
    const fetching = await start(answerImage, 'gemini-3-pro-image', { media: { fetch: true } })
    const refused = await fetching.post('images/edits', { prompt: 'more', image })
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: { param: 'image' } }])
    expect(fetching.seen).toHaveLength(0)
  })

  it('are cached, and kept for idempotency keys, also as a stream', async () => {
    const { relay, seen, records } = await start(answerImage, 'gemini-3-pro-image', { cache: { temperature: 'any' } })
    const ask = (body: object, headers: Record<string, string> = {}): Promise<Response> =>
      fetchRelay(relay)('http://relay/v1/images/generations', {
        method: 'POST',
        headers: { authorization: `Bearer ${KEY}`, ...headers },
        body: JSON.stringify({ model: 'draw', prompt: 'a cat', ...body }),
      })
    for (const stream of [false, true]) {
      const answers = [await ask({ stream }), await ask({ stream })]
      const [first, second] = await Promise.all(answers.map((answer) => answer.text()))
      expect(second).toBe(first)
      expect(answers.map(({ headers }) => headers.get('x-modelmount-cache'))).toEqual(['miss', 'hit'])
      expect(answers[1]?.headers.get('content-type')).toBe(answers[0]?.headers.get('content-type'))
    }
    const keyed = { 'idempotency-key': 'k', 'cache-control': 'no-store' }
    await ask({}, keyed)
    await ask({}, keyed)
    expect(seen).toHaveLength(3)
    expect(records.map(({ costNanos }) => costNanos)).toEqual([1_300_000, 0, 1_300_000, 0, 1_300_000, 0])
  })

  it('cost the price of images, also without token details', async () => {
    for (const details of [USAGE, { promptTokenCount: 10, candidatesTokenCount: 1290 }]) {
      const answer = { ...geminiAnswer([imagePart()]), usageMetadata: details }
      const { openai, records } = await start(answerJson(answer), 'gemini-2.5-flash-image', {
        prices: {},
      })
      await openai.images.generate({ model: 'draw', prompt: 'a cat' })
      expect(records).toMatchObject([{ costNanos: 10 * 300 + 1290 * 30_000, estimated: false }])
    }
  })

  it('by OpenAI charge image input at its own price', async () => {
    const usage = {
      input_tokens: 10,
      input_tokens_details: { image_tokens: 6, text_tokens: 4 },
      output_tokens: 90,
      total_tokens: 100,
    }
    const upstream = cleanup.add(await startUpstream(answerJson({ ...OPENAI_ANSWER, usage })))
    const records: UsageRecord[] = []
    const relay = cleanup.add(
      testRelay({
        providers: { openai: { baseURL: upstream.baseURL, apiKey: 'k-12345678' } },
        models: { draw: 'openai/gpt-image-1' },
        plugins: [{ done: (record) => void records.push(record) }],
      }),
    )
    const fetching = { fetch: fetchRelay(relay), baseURL: 'http://relay/v1', apiKey: KEY }
    await new OpenAI(fetching).images.generate({ model: 'draw', prompt: 'a cat' })
    expect(records).toMatchObject([{ costNanos: 4 * 5000 + 6 * 10_000 + 90 * 40_000 }])
  })

  it('are data: URLs where the request asks for URLs', async () => {
    const { openai } = await start(answerImage)
    const answer = await openai.images.generate({ model: 'draw', prompt: 'a cat', response_format: 'url' })
    expect(answer.data).toEqual([{ url: `data:image/png;base64,${B64}` }])
  })

  it('are the last events of a stream, and their usage sums up', async () => {
    const { openai, records, post } = await start(answerImage)
    const stream = await openai.images.generate({
      model: 'draw',
      prompt: 'a cat',
      n: 2,
      stream: true,
      partial_images: 2,
    })
    const events = await collect(stream)
    expect(events).toMatchObject([
      { type: 'image_generation.completed', b64_json: B64, output_format: 'png', usage: { total_tokens: 0 } },
      { type: 'image_generation.completed', b64_json: B64, usage: { input_tokens: 20, output_tokens: 2580 } },
    ])
    expect(records).toMatchObject([{ stream: true, outputTokens: 2580, outcome: 'complete' }])
    const image = await toFile(PNG, 'a.png')
    const edits = await openai.images.edit({ model: 'draw', image, prompt: 'more', stream: true })
    expect(await collect(edits)).toMatchObject([{ type: 'image_edit.completed', b64_json: B64 }])
    const plain = await post('images/generations', { prompt: 'a', stream: true, partial_images: 1 })
    expect(plain.headers.get('content-type')).toContain('text/event-stream')
    expect(lossesOf(plain)).toContain('partial_images')
  })

  it('leave out drafts from the model’s thoughts', async () => {
    const draft = { ...imagePart(btoa('draft')), thought: true }
    const { openai } = await start(answerJson(geminiAnswer([draft, imagePart()])))
    expect((await openai.images.generate({ model: 'draw', prompt: 'a cat' })).data).toEqual([{ b64_json: B64 }])
  })

  it('records settings without an equivalent as losses, or refuses them with strict translation', async () => {
    const request = {
      prompt: 'a cat',
      quality: 'high',
      background: 'transparent',
      output_format: 'webp',
      output_compression: 50,
      moderation: 'low',
      style: 'vivid',
    }
    const { post } = await start(answerImage)
    const told = lossesOf(await post('images/generations', request))
    for (const name of ['quality', 'background', 'output_format', 'output_compression', 'moderation', 'style'])
      expect(told).toContain(`${name}: has no equivalent in gemini`)
    const usual = { prompt: 'a cat', quality: 'auto', background: 'opaque', moderation: 'auto', user: 'me' }
    const strict = await start(answerImage, 'gemini-3-pro-image', { translation: 'strict' })
    expect((await strict.post('images/generations', usual)).status).toBe(200)
    const refused = await strict.post('images/generations', request)
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ error: { code: 'untranslatable' } })
    expect(strict.seen).toHaveLength(1)
  })
})

describe('a missing image', () => {
  it.each([
    ['a prompt that was blocked', { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } }, 'moderation_blocked'],
    [
      'an image that was blocked',
      { candidates: [{ finishReason: 'IMAGE_SAFETY', finishMessage: 'Unsafe: é.' }] },
      'moderation_blocked',
    ],
    ['text only', geminiAnswer([{ text: 'What colour should it be?' }]), 'no_image'],
    ['no content', geminiAnswer([]), 'no_image'],
  ])('%s: answers 400, and costs nothing', async (_name, answer, code) => {
    const { openai, records, seen } = await start(answerJson(answer))
    const request = openai.images.generate({ model: 'draw', prompt: 'a cat' })
    await expect(request).rejects.toMatchObject({ status: 400, code, type: 'invalid_request_error' })
    expect(seen).toHaveLength(1)
    expect(records).toMatchObject([{ outcome: 'failed', status: 400, costNanos: 0 }])
  })

  it('has the model’s text as its message', async () => {
    const { openai } = await start(answerJson(geminiAnswer([{ text: 'What colour should it be?' }])))
    const request = openai.images.generate({ model: 'draw', prompt: 'a cat' })
    await expect(request).rejects.toThrow('What colour should it be?')
  })

  it('among several is a loss, and the others are answered', async () => {
    const blocked = answerJson({ candidates: [{ finishReason: 'IMAGE_SAFETY' }] })
    const { openai, records } = await start(inTurn(answerImage, blocked, answerImage))
    const { data, response } = await openai.images
      .generate({ model: 'draw', prompt: 'a cat', n: 3, stream: false })
      .withResponse()
    expect(data.data).toHaveLength(2)
    expect(lossesOf(response)).toContain('n: 2 of 3')
    expect(records).toMatchObject([{ outputTokens: 2580, outcome: 'complete' }])
  })

  it('among several is a loss where the model answers with text, and an error where no image is left', async () => {
    const textOnly = answerJson(geminiAnswer([{ text: 'What colour should it be?' }]))
    const withImages = await start(inTurn(answerImage, textOnly, answerImage))
    const request = { model: 'draw', prompt: 'a cat', n: 3 }
    const { data, response } = await withImages.openai.images.generate({ ...request, stream: false }).withResponse()
    expect(data.data).toHaveLength(2)
    expect(lossesOf(response)).toContain('n: 2 of 3')
    expect(withImages.records).toMatchObject([{ outputTokens: 2580, outcome: 'complete' }])
    const withoutImages = await start(textOnly)
    await expect(withoutImages.openai.images.generate(request)).rejects.toMatchObject({ status: 400, code: 'no_image' })
  })

  it('falls back to the targets of onContentFilter', async () => {
    const blocked = answerJson({ promptFeedback: { blockReason: 'SAFETY' } })
    const { openai } = await startAll(
      {
        google: { script: blocked, type: 'gemini' },
        other: { script: answerJson(OPENAI_ANSWER), type: 'openai-compatible' },
      },
      'm-image',
      { models: { draw: { targets: ['google/m-image'], onContentFilter: ['other/m-image'] } } },
    )
    expect((await openai.images.generate({ model: 'draw', prompt: 'a cat' })).data).toEqual(OPENAI_ANSWER.data)
  })

  it('fails over for an invalid answer, and answers 502 at the end', async () => {
    const { openai } = await start(answerJson('{}'), 'gemini-3-pro-image', { retry: { attempts: 1 } })
    await expect(openai.images.generate({ model: 'draw', prompt: 'a cat' })).rejects.toMatchObject({ status: 502 })
  })

  it.each([
    ['no prompt', 'images/generations', {}, 'prompt'],
    ['no images', 'images/edits', { prompt: 'more' }, 'image'],
    ['eleven images', 'images/generations', { prompt: 'a', n: 11 }, 'n'],
    ['zero images', 'images/generations', { prompt: 'a', n: 0 }, 'n'],
    ['an invalid size', 'images/generations', { prompt: 'a', size: 'big' }, 'size'],
    ['a mask', 'images/edits', { prompt: 'a', image: `data:image/png;base64,${B64}`, mask: 'data:,' }, 'mask'],
    ['a markup', 'images/edits', { prompt: 'a', image: `data:image/png;base64,${B64}`, markup: 'x' }, 'markup'],
    [
      'a file stored at a provider',
      'images/edits',
      { prompt: 'a', images: [{ file_id: 'file-1' }] },
      'images[0].file_id',
    ],
    ['a file that is not an image', 'images/edits', { prompt: 'a', image: 'data:text/plain;base64,aGk=' }, 'image'],
    ['a URL that is not http(s)', 'images/edits', { prompt: 'a', image: 'file:///etc/passwd' }, 'image'],
    ['variations', 'images/variations', { image: 'x' }, 'model'],
  ])('%s: answers 400 with the path, and sends nothing', async (_name, path, body, param) => {
    const { post, seen } = await start(answerImage)
    const answer = await post(path, body)
    expect([answer.status, ((await answer.json()) as { error: object }).error]).toMatchObject([400, { param }])
    expect(seen).toHaveLength(0)
  })

  it('refuses a form with a mask, or whose file is not an image', async () => {
    const { openai, seen } = await start(answerImage)
    const image = await toFile(Buffer.from('<svg/>'), 'a.svg')
    const edit = openai.images.edit({ model: 'draw', image, prompt: 'more' })
    await expect(edit).rejects.toMatchObject({ status: 400, param: 'image[0]' })
    const [real, mask] = [await toFile(PNG, 'a.png'), await toFile(PNG, 'm.png')]
    const masked = openai.images.edit({ model: 'draw', image: real, mask, prompt: 'more' })
    await expect(masked).rejects.toMatchObject({ status: 400, param: 'mask' })
    expect(seen).toHaveLength(0)
  })
})

describe('images by Imagen', () => {
  const predictions = (count: number): object => ({
    predictions: Array.from({ length: count }, () => ({
      bytesBase64Encoded: B64,
      mimeType: 'image/jpeg',
      prompt: 'a cät',
    })),
  })
  const MODEL = 'imagen-4.0-generate-001'

  it('come several per request, and have an estimated usage', async () => {
    const script: Script = (req, res, seen) => {
      const { parameters } = JSON.parse(seen.body) as { parameters: { sampleCount: number } }
      return answerJson(predictions(parameters.sampleCount))(req, res, seen)
    }
    const { openai, seen, records } = await start(script, MODEL)
    const request = { model: 'draw', prompt: 'a cat', n: 3, size: '2048x2048' } as const
    const { data: answer, response } = await openai.images
      .generate({ ...request, output_format: 'jpeg', output_compression: 80 })
      .withResponse()
    expect(answer.data).toHaveLength(3)
    expect(answer.data?.[0]).toEqual({ b64_json: B64, revised_prompt: 'a cät' })
    expect(answer).toMatchObject({ output_format: 'jpeg' })
    expect(answer.usage).toBeUndefined()
    expect(seen[0]?.url).toBe(`/v1beta/models/${MODEL}:predict`)
    expect(sentBody(seen)).toEqual({
      instances: [{ prompt: 'a cat' }],
      parameters: {
        sampleCount: 3,
        aspectRatio: '1:1',
        sampleImageSize: '2K',
        outputOptions: { mimeType: 'image/jpeg', compressionQuality: 80 },
        includeRaiReason: true,
      },
    })
    expect(lossesOf(response)).toBe('')
    expect(records).toMatchObject([{ outputTokens: 3 * 1290, estimated: true }])
    expect((await openai.images.generate({ model: 'draw', prompt: 'a cat', n: 6 })).data).toHaveLength(6)
    const counts = seen.slice(1).map(({ body }) => (JSON.parse(body) as typeof PARAMETERS).parameters.sampleCount)
    expect(counts.sort()).toEqual([2, 4])
  })

  it('that were filtered are losses, or an error where none is left', async () => {
    const withImages = await start(answerJson(predictions(1)), MODEL)
    const { data, response } = await withImages.openai.images
      .generate({ model: 'draw', prompt: 'a cat', n: 2 })
      .withResponse()
    expect(data.data).toHaveLength(1)
    expect(lossesOf(response)).toContain('n: 1 of 2')
    for (const answer of [{}, { predictions: [{ raiFilteredReason: 'Too wild.' }] }]) {
      const { openai } = await start(answerJson(answer), MODEL)
      const request = openai.images.generate({ model: 'draw', prompt: 'a cat' })
      await expect(request).rejects.toMatchObject({ status: 400, code: 'moderation_blocked' })
    }
  })

  it('answer 502 for an invalid answer that was not filtered', async () => {
    for (const predictions of ['none', {}, [[]], [{}, 'x']]) {
      const { openai } = await start(answerJson({ predictions }), MODEL, { retry: { attempts: 1 } })
      const request = openai.images.generate({ model: 'draw', prompt: 'a cat' })
      await expect(request).rejects.toMatchObject({ status: 502 })
    }
  })

  it('come from Vertex AI under its own paths', async () => {
    const upstream = cleanup.add(await startUpstream(answerJson(predictions(1))))
    const prefix = '/v1/projects/p/locations/us-central1/publishers/google'
    const baseURL = `http://127.0.0.1:${upstream.port}${prefix}`
    const relay = cleanup.add(
      testRelay({
        providers: { vertex: { baseURL, apiKey: 'token-1234' } },
        models: { draw: `vertex/${MODEL}`, speak: 'vertex/gemini-3-pro-image' },
      }),
    )
    const openai = new OpenAI({ fetch: fetchRelay(relay), baseURL: 'http://relay/v1', apiKey: KEY })
    await openai.images.generate({ model: 'draw', prompt: 'a cat', stream: true }).then(collect)
    upstream.script = answerImage
    await openai.images.generate({ model: 'speak', prompt: 'a cat', stream: true }).then(collect)
    expect(upstream.seen.map(({ url }) => url)).toEqual([
      `${prefix}/models/${MODEL}:predict`,
      `${prefix}/models/gemini-3-pro-image:generateContent`,
    ])
  })

  it('cannot be edited', async () => {
    const { openai, seen } = await start(answerJson(predictions(1)), MODEL)
    const image = await toFile(PNG, 'a.png')
    const edit = openai.images.edit({ model: 'draw', image, prompt: 'more' })
    await expect(edit).rejects.toMatchObject({ status: 400, param: 'image' })
    expect(seen).toHaveLength(0)
  })
})

const PARAMETERS = { parameters: { sampleCount: 0 } }

describe('failover between image providers', () => {
  const closeConnection: Script = (_req, res) => void res.destroy()
  const pair = (first: 'gemini' | 'openai-compatible'): Upstreams => {
    const google = { script: answerImage, type: 'gemini' as const }
    const other = { script: answerJson(OPENAI_ANSWER), type: 'openai-compatible' as const }
    return first === 'gemini'
      ? { google: { ...google, script: closeConnection }, other }
      : { other: { ...other, script: closeConnection }, google }
  }

  it('goes from OpenAI to Gemini', async () => {
    const { openai, seen, records } = await startAll(pair('openai-compatible'), 'm-image')
    const image = await toFile(PNG, 'a.png')
    const answer = await openai.images.edit({ model: 'draw', image, prompt: 'more' })
    expect(answer.data).toEqual([{ b64_json: B64 }])
    expect(sentBody(seen.google ?? []).contents).toEqual([{ role: 'user', parts: [imagePart(), { text: 'more' }] }])
    expect(records).toMatchObject([
      { target: 'google/m-image', attempts: [{ target: 'other/m-image' }, { target: 'google/m-image', status: 200 }] },
    ])
  })

  it('goes from Gemini to OpenAI, which gets the original request', async () => {
    const { openai, seen } = await startAll(pair('gemini'), 'm-image')
    const request = { prompt: 'a cat', n: 2, quality: 'high', stream: false } as const
    expect((await openai.images.generate({ model: 'draw', ...request })).data).toEqual(OPENAI_ANSWER.data)
    expect(sentBody(seen.other ?? [])).toEqual({ model: 'm-image', ...request })
  })

  it('streams where the upstream streams', async () => {
    const event = { type: 'image_generation.completed', b64_json: 'aGk=', usage: OPENAI_ANSWER.usage }
    const streaming: Script = (_req, res) =>
      void res.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${JSON.stringify(event)}\n\n`)
    const { google, other } = pair('gemini') as { google: Upstreams[string]; other: Upstreams[string] }
    const { openai } = await startAll({ google, other: { ...other, script: streaming } }, 'm-image')
    const stream = await openai.images.generate({ model: 'draw', prompt: 'a cat', stream: true })
    expect(await collect(stream)).toEqual([event])
  })

  it('passes URLs on to targets of the same protocol, and fetches them only for the others', async () => {
    const openai = {
      script: inTurn(answerJson(OPENAI_ANSWER), answerError(500, 'down')),
      type: 'openai-compatible' as const,
    }
    const google = { script: answerImage, type: 'gemini' as const }
    const { post, seen } = await startAll({ openai, google }, 'm-image', { media: { fetch: true } })
    const request = { prompt: 'more', images: [{ image_url: 'https://127.0.0.1/cat.png' }] }
    expect(await (await post('images/edits', request)).json()).toEqual(OPENAI_ANSWER)
    expect(sentBody(seen.openai ?? [])).toMatchObject(request)
    expect((await post('images/edits', request)).status).toBe(400)
    expect(seen.google).toEqual([])
  })

  it('skips targets that cannot answer the request', async () => {
    const other = { script: answerJson(OPENAI_ANSWER), type: 'openai-compatible' as const }
    const { openai, seen } = await startAll({ google: { script: answerImage, type: 'gemini' }, other }, 'm-image')
    const [image, mask] = [await toFile(PNG, 'a.png'), await toFile(PNG, 'm.png')]
    expect((await openai.images.edit({ model: 'draw', image, mask, prompt: 'more' })).data).toEqual(OPENAI_ANSWER.data)
    expect((await openai.images.createVariation({ model: 'draw', image })).data).toEqual(OPENAI_ANSWER.data)
    // The relay does not know this size, but the provider may.
    const request = { model: 'draw', prompt: 'a cat', size: 'huge' }
    expect((await openai.images.generate(request)).data).toEqual(OPENAI_ANSWER.data)
    expect(seen.google).toHaveLength(0)
    expect(seen.other).toHaveLength(3)
  })
})

describe('a client that disconnects', () => {
  it('aborts all upstream requests of its call', async () => {
    let closed = 0
    const slow: Script = (_req, res) => void res.on('close', () => closed++)
    const { openai, seen, records } = await start(slow)
    const controller = new AbortController()
    const request = openai.images.generate({ model: 'draw', prompt: 'a cat', n: 3 }, { signal: controller.signal })
    await expect.poll(() => seen.length).toBe(3)
    controller.abort()
    await expect(request).rejects.toThrow()
    await expect.poll(() => closed).toBe(3)
    await expect.poll(() => records).toMatchObject([{ outcome: 'left', costNanos: 0 }])
  })
})
