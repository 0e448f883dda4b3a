import OpenAI, { APIError, toFile } from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, createRelay, type RelayOptions } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { answerIn, answerStreamText, type Harness, startHarness } from '../hardcases/harness.js'
import { dataRecord, dig, protocolFixtures } from '../hardcases/protocol-fixtures.js'
import { answerJson, completion, inTurn } from '../scripted-upstream.js'
import { KEY } from '../test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const API_KEY = '0123456789abcdef0123456789abcdef'
const VERSION = '2024-10-21'

const azureAt =
  (path: string, more: object = {}) =>
  (port: number): RelayOptions['providers'] => ({
    azure: { apiKey: API_KEY, baseURL: `http://127.0.0.1:${port}${path}`, apiVersion: VERSION, ...more },
  })

const start = (path = '', more: Partial<RelayOptions> = {}): Promise<Harness> =>
  startHarness(cleanup, { retry: { attempts: 1 }, ...more }, azureAt(path))

const clientOf = ({ origin }: Harness): OpenAI => new OpenAI({ apiKey: KEY, baseURL: `${origin}/v1`, maxRetries: 0 })

let harness: Harness
let client: OpenAI
beforeEach(async () => {
  harness = await start()
  client = clientOf(harness)
})

const seenURL = (): string | undefined => harness.upstream.seen.at(-1)?.url
const AT = '/openai/deployments/my-deployment'
const QUERY = `?api-version=${VERSION}`
const model = 'azure/my-deployment'
const file = (name: string): ReturnType<typeof toFile> => toFile(Buffer.from('bytes'), name)

describe('an apiVersion', () => {
  it('calls each operation at its deployment, with the key in the api-key header', async () => {
    const list = { object: 'list', data: [{ object: 'embedding', index: 0, embedding: [0.5] }] }
    const image = { created: 1, data: [{ b64_json: 'aGk=' }] }
    const rows: [string, unknown, () => PromiseLike<unknown>][] = [
      [
        '/chat/completions',
        completion('hello'),
        () => client.chat.completions.create({ model, messages: [{ role: 'user', content: 'hi' }] }),
      ],
      ['/embeddings', list, () => client.embeddings.create({ model, input: 'hi', encoding_format: 'float' })],
      ['/images/generations', image, () => client.images.generate({ model, prompt: 'a cat' })],
      [
        '/images/edits',
        image,
        async () => client.images.edit({ model, prompt: 'a cat', image: await file('cat.png') }),
      ],
      [
        '/audio/transcriptions',
        { text: 'hello' },
        async () => client.audio.transcriptions.create({ model, file: await file('a.mp3') }),
      ],
      [
        '/audio/translations',
        { text: 'hello' },
        async () => client.audio.translations.create({ model, file: await file('a.mp3') }),
      ],
    ]
    for (const [path, answer, ask] of rows) {
      harness.upstream.script = answerJson(answer)
      await ask()
      const seen = harness.upstream.seen.at(-1)
      expect(seen?.url).toBe(AT + path + QUERY)
      expect(seen?.headers).toMatchObject({ 'api-key': API_KEY })
      expect(seen?.headers).not.toHaveProperty('authorization')
    }
    harness.upstream.script = (_req, res) => void res.writeHead(200, { 'content-type': 'audio/mpeg' }).end('sound')
    const sound = await client.audio.speech.create({ model, input: 'hi', voice: 'alloy' })
    expect(await sound.text()).toBe('sound')
    expect(seenURL()).toBe(`${AT}/audio/speech${QUERY}`)
  })

  it('calls Responses at the resource, whole and streamed', async () => {
    harness.upstream.script = answerIn('responses', 'he', 'llo')
    expect((await client.responses.create({ model, input: 'hi' })).output_text).toBe('hello')
    expect(harness.upstream.seen.at(-1)).toMatchObject({ url: `/openai/responses${QUERY}`, method: 'POST' })
    expect(dig(harness.sent(), 'model')).toBe('my-deployment')
    let text = ''
    for await (const event of await client.responses.create({ model, input: 'hi', stream: true })) {
      if (event.type === 'response.output_text.delta') text += event.delta
    }
    expect(text).toBe('hello')
  })

  it('streams to clients of every protocol, without filter results', async () => {
    const first = dataRecord({ id: '', model: '', object: '', created: 0, choices: [], prompt_filter_results: [] })
    harness.upstream.script = answerStreamText(first + protocolFixtures.chat.streamed('he', 'llo'))
    const stream = await client.chat.completions.create({
      model,
      stream: true,
      messages: [{ role: 'user', content: 'hi' }],
    })
    let text = ''
    for await (const { choices } of stream) text += choices[0]?.delta?.content ?? ''
    expect([text, seenURL()]).toEqual(['hello', `${AT}/chat/completions${QUERY}`])
    for (const from of ['messages', 'gemini'] as const) {
      const { text: whole, records } = await harness.ask(from, model, { stream: true })
      expect(protocolFixtures[from].textOfRecords(records)).toBe('hello')
      expect(whole).toMatch(protocolFixtures[from].endOfStream)
    }
    expect(harness.records.at(-1)).toMatchObject({ outcome: 'complete', inputTokens: 5, outputTokens: 2 })
  })

  it.each(['/openai', '/openai/v1', '/openai/v1/', '/v1', '/'])(
    'works with a base URL that ends in %s',
    async (path) => {
      harness = await start(path)
      harness.upstream.script = answerIn('chat', 'ok')
      expect((await harness.ask('chat', model)).status).toBe(200)
      expect(seenURL()).toBe(`${AT}/chat/completions${QUERY}`)
    },
  )

  it('maps a model to its deployment, whose name cannot change the path', async () => {
    harness = await start('', { models: { 'gpt-4o': 'azure/team a', mini: 'azure/mini.1', 'a/*': 'azure/*' } })
    harness.upstream.script = answerIn('chat', 'ok')
    expect((await harness.ask('chat', 'mini' as 'a/b')).status).toBe(200)
    expect(seenURL()).toBe(`/openai/deployments/mini.1/chat/completions${QUERY}`)
    const before = harness.upstream.seen.length
    for (const bad of ['gpt-4o', 'a/../../files', 'a/..', 'a/x?y=', 'a/%2e%2e', 'a/\ud800'] as const) {
      const { status, json } = await harness.ask('chat', bad as 'a/b')
      expect([bad, status, dig(json, 'error', 'code')]).toEqual([bad, 404, 'model_not_found'])
    }
    expect(harness.upstream.seen).toHaveLength(before)
  })

  it('estimates counts of tokens: deployments have none', async () => {
    const asking = { with: { model, messages: [{ role: 'user', content: 'hi' }] } }
    const { status, headers } = await harness.send('POST', '/v1/messages/count_tokens', asking)
    expect([status, headers.get('x-modelmount-losses')]).toEqual([200, 'count: estimated by the relay'])
    expect(harness.upstream.seen).toEqual([])
  })

  it('is refused for other providers, and if it is not a version', () => {
    const check = (providers: RelayOptions['providers']) => () => createRelay({ providers, logger: false })
    expect(check({ openai: { apiKey: 'k', apiVersion: VERSION } })).toThrowError(/providers\.openai\.apiVersion/)
    expect(check({ azure: { apiKey: 'k', baseURL: 'https://r.example', apiVersion: 'a&b=c' } })).toThrowError(
      ConfigError,
    )
  })

  it('uses the v1 path if it is left out', async () => {
    harness = await startHarness(cleanup, {}, azureAt('/openai/v1', { apiVersion: undefined }))
    harness.upstream.script = answerIn('chat', 'ok')
    await harness.ask('chat', model)
    expect(seenURL()).toBe('/openai/v1/chat/completions')
  })
})

describe('errors', () => {
  const filtered = {
    error: {
      message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
      type: null,
      param: 'prompt',
      code: 'content_filter',
      status: 400,
      innererror: {
        code: 'ResponsibleAIPolicyViolation',
        content_filter_result: { violence: { filtered: true, severity: 'high' } },
      },
    },
  }

  it('of the content filter name the categories', async () => {
    harness.upstream.script = answerJson(filtered, 400)
    const error = await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'hi' }] }).then(
      () => undefined,
      (caught: unknown) => caught,
    )
    expect(error).toBeInstanceOf(APIError)
    expect(error).toMatchObject({
      status: 400,
      code: 'content_filter',
      error: { innererror: filtered.error.innererror },
    })
    const { status, json } = await harness.ask('messages', model)
    expect([status, dig(json, 'error', 'type')]).toEqual([400, 'invalid_request_error'])
    expect(String(dig(json, 'error', 'message'))).toContain('content management policy')
  })

  it('of the content filter use the targets of onContentFilter', async () => {
    harness = await start('', {
      models: { safe: { targets: ['azure/one'], onContentFilter: ['azure/two'] } },
      retry: { attempts: 2 },
    })
    harness.upstream.script = inTurn(answerJson(filtered, 400), answerIn('chat', 'ok'))
    const { status, headers } = await harness.ask('gemini', 'safe' as 'a/b')
    expect([status, headers.get('x-modelmount-target')]).toEqual([200, 'azure/two'])
    expect(seenURL()).toBe(`/openai/deployments/two/chat/completions${QUERY}`)
  })

  it('of a missing deployment and of the gateway keep their message', async () => {
    const missing = { error: { code: 'DeploymentNotFound', message: 'The API deployment does not exist.' } }
    harness.upstream.script = answerJson(missing, 404)
    expect(await harness.ask('chat', model)).toMatchObject({ status: 404, json: missing })
    harness.upstream.script = answerJson({ statusCode: 401, message: 'Access denied due to invalid key.' }, 401)
    const { status, text } = await harness.ask('chat', model)
    expect([status, text.includes('Access denied')]).toEqual([502, false])
  })

  it('a 429 starts a cooldown of the deployment, and the next target answers', async () => {
    harness = await start('', { models: { both: ['azure/one', 'azure/two'] }, retry: { attempts: 2 } })
    const busy = answerJson({ error: { code: '429', message: 'Requests exceeded the quota.' } }, 429, {
      'retry-after-ms': '60000',
    })
    harness.upstream.script = inTurn(busy, answerIn('chat', 'ok'))
    const { headers } = await harness.ask('chat', 'both' as 'a/b')
    expect(headers.get('x-modelmount-attempts')).toBe('azure/one 429, azure/two 200')
    await harness.ask('chat', 'both' as 'a/b')
    expect(seenURL()).toBe(`/openai/deployments/two/chat/completions${QUERY}`)
  })
})
