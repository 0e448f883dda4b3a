import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RelayOptions, UnsignedRequest } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { answerIn, answerStreamText, type Harness, startHarness } from '../hardcases/harness.js'
import { dig, messageStart, namedRecord, protocolFixtures, protocolNames } from '../hardcases/protocol-fixtures.js'
import { answerJson, answerStream, inTurn } from '../scripted-upstream.js'
import { KEY } from '../test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const PLACE = '/v1/projects/p/locations/us-east5/publishers'
const CLAUDE = 'claude-sonnet-4-5@20250929'
const AT = `${PLACE}/anthropic/models/${CLAUDE}`
const VERSION = 'vertex-2023-10-16'
const model = `vertex/${CLAUDE}` as const

const placesAt =
  (path = `${PLACE}/google`) =>
  (port: number): RelayOptions['providers'] => ({
    vertex: { baseURL: `http://127.0.0.1:${port}${path}` },
    spare: { type: 'openai-compatible', baseURL: `http://127.0.0.1:${port}/v1` },
  })

let signed: UnsignedRequest[]
const start = (more: Partial<RelayOptions> = {}, path?: string): Promise<Harness> => {
  signed = []
  const sign = (request: UnsignedRequest) => {
    signed.push(request)
    return request.provider === 'vertex' ? { authorization: `Bearer ya29.token-${signed.length}` } : undefined
  }
  return startHarness(cleanup, { retry: { attempts: 1 }, sign, ...more }, placesAt(path))
}

let harness: Harness
beforeEach(async () => {
  harness = await start()
  harness.upstream.script = answerIn('messages', 'he', 'llo')
})

const anthropicOf = ({ origin }: Harness): Anthropic => new Anthropic({ apiKey: KEY, baseURL: origin, maxRetries: 0 })
const question = { max_tokens: 100, messages: [{ role: 'user' as const, content: 'hi' }] }

describe('Claude on Vertex AI', () => {
  it('gets requests of Anthropic clients with the model in the path and the version in the body', async () => {
    const answer = await anthropicOf(harness).messages.create({ model, ...question })
    expect(answer.content).toMatchObject([{ type: 'text', text: 'hello' }])
    const [seen] = harness.upstream.seen
    expect(seen).toMatchObject({ method: 'POST', url: `${AT}:rawPredict` })
    expect(seen?.headers).toMatchObject({ authorization: 'Bearer ya29.token-1' })
    expect(seen?.headers).not.toHaveProperty('anthropic-version')
    expect(seen?.headers).not.toHaveProperty('x-api-key')
    expect(JSON.parse(seen?.body ?? '')).toEqual({ anthropic_version: VERSION, ...question })
    expect(signed).toMatchObject([{ provider: 'vertex', method: 'POST', body: seen?.raw }])
    expect(new URL(signed[0]?.url ?? '').pathname).toBe(`${AT}:rawPredict`)
  })

  it('gets every other byte unchanged', async () => {
    const rest =
      '"max_tokens" : 100,\n "messages": [ {"role":"user","content":"hi ü\\u00e9"} ], "x": 12345678901234567890, "2":1'
    const body = `{ "model": "${model}", ${rest} }`
    expect((await harness.ask('messages', model, { body })).status).toBe(200)
    expect(harness.upstream.seen.at(-1)?.body).toBe(`{"anthropic_version":"${VERSION}", ${rest} }`)
    const own = `{"anthropic_version":"bedrock-2023-05-31",${rest},"model":"${model}"}`
    await harness.ask('messages', model, { body: own })
    expect(harness.upstream.seen.at(-1)?.body).toBe(`{"anthropic_version":"${VERSION}",${rest}}`)
  })

  it('streams to Anthropic clients', async () => {
    const stream = anthropicOf(harness).messages.stream({ model, ...question })
    expect(await stream.finalText()).toBe('hello')
    expect(harness.upstream.seen.at(-1)?.url).toBe(`${AT}:streamRawPredict`)
    expect(harness.sent()).toEqual({ anthropic_version: VERSION, ...question, stream: true })
    expect(harness.records.at(-1)).toMatchObject({
      target: model,
      outcome: 'complete',
      inputTokens: 5,
      outputTokens: 2,
    })
    expect(harness.records.at(-1)?.costNanos).toBeGreaterThan(0)
  })

  it("gets requests of every protocol in Anthropic's", async () => {
    for (const from of protocolNames) {
      for (const stream of [false, true]) {
        const { status, text, json, records } = await harness.ask(from, model, { stream })
        expect(status, text).toBe(200)
        expect(stream ? protocolFixtures[from].textOfRecords(records) : protocolFixtures[from].textOfAnswer(json)).toBe(
          'hello',
        )
        expect(harness.upstream.seen.at(-1)?.url).toBe(`${AT}:${stream ? 'streamRawPredict' : 'rawPredict'}`)
        expect(harness.sent()).toMatchObject({ anthropic_version: VERSION, messages: [{ role: 'user' }] })
        expect(harness.sent()).not.toHaveProperty('model')
      }
    }
    const openai = new OpenAI({ apiKey: KEY, baseURL: `${harness.origin}/v1`, maxRetries: 0 })
    const chat = await openai.chat.completions.create({ model, messages: [{ role: 'user', content: 'hi' }] })
    expect([chat.choices[0]?.message.content, chat.usage?.total_tokens]).toEqual(['hello', 7])
    expect(dig(harness.sent(), 'max_tokens')).toBe(64_000)
    await harness.ask('chat', model, { with: { service_tier: 'default' } })
    expect(harness.sent()).not.toHaveProperty('service_tier')
  })

  it("keeps Gemini's path, and accepts a base URL with any publisher or none", async () => {
    harness.upstream.script = answerIn('gemini', 'ok')
    await harness.ask('chat', 'vertex/gemini-2.5-flash')
    expect(harness.upstream.seen.at(-1)?.url).toBe(`${PLACE}/google/models/gemini-2.5-flash:generateContent`)
    for (const path of [`${PLACE}/anthropic`, PLACE.replace('/publishers', ''), `${PLACE}/google/`]) {
      harness = await start({}, path)
      harness.upstream.script = answerIn('messages', 'ok')
      expect((await harness.ask('chat', model)).status).toBe(200)
      expect(harness.upstream.seen.at(-1)?.url).toBe(`${AT}:rawPredict`)
    }
  })

  it('passes anthropic-beta on, except betas of the client itself', async () => {
    const betas = (text: string) => ({ headers: { 'anthropic-beta': text } })
    await harness.ask(
      'messages',
      model,
      betas('claude-code-20250219, context-management-2025-06-27,oauth-2025-04-20,a-1'),
    )
    expect(harness.upstream.seen.at(-1)?.headers['anthropic-beta']).toBe('context-management-2025-06-27,a-1')
    await harness.ask('messages', model, betas('claude-code-20250219'))
    expect(harness.upstream.seen.at(-1)?.headers).not.toHaveProperty('anthropic-beta')
  })

  it("counts tokens with Vertex's counting model", async () => {
    harness.upstream.script = answerJson({ input_tokens: 12 })
    const { messages } = question
    const client = anthropicOf(harness)
    const counted = await client.messages.countTokens({ model, messages }, { headers: { 'anthropic-beta': 'a-1' } })
    expect(counted.input_tokens).toBe(12)
    const [seen] = harness.upstream.seen
    expect(seen?.url).toBe(`${PLACE}/anthropic/models/count-tokens:rawPredict`)
    expect(seen?.headers).not.toHaveProperty('anthropic-beta')
    expect(harness.sent()).toEqual({ anthropic_version: VERSION, model: CLAUDE, messages })
    const asked = { with: protocolFixtures.gemini.requestBody(model, false) }
    const { json } = await harness.send('POST', `/v1beta/models/${model}:countTokens`, asked)
    expect(json).toMatchObject({ totalTokens: 12 })
    expect(harness.sent()).toMatchObject({ anthropic_version: VERSION, model: CLAUDE })
  })

  it('accepts image URLs, and gets files as bytes that the relay fetches', async () => {
    harness = await start({ media: { fetch: true } })
    harness.upstream.script = answerIn('messages', 'ok')
    const url = 'https://127.0.0.1/cat'
    const image = { role: 'user', content: [{ type: 'input_image', image_url: url }] }
    expect((await harness.ask('responses', model, { with: { input: [image] } })).status).toBe(200)
    expect(dig(harness.sent(), 'messages', 0, 'content', 0, 'source')).toEqual({ type: 'url', url })
    const file = { role: 'user', content: [{ type: 'input_file', file_url: url }] }
    const { status, text } = await harness.ask('responses', model, { with: { input: [file] } })
    expect([status, text.includes('could not be fetched')]).toEqual([400, true])
  })

  it('refuses a model name that would change the path', async () => {
    for (const bad of ['claude-x/../../google/models/y', 'claude-?a', 'claude-%2e', 'claude-x/..']) {
      const { status } = await harness.ask('messages', `vertex/${bad}`)
      expect([bad, status]).toEqual([bad, 404])
    }
    expect(harness.upstream.seen).toEqual([])
  })
})

describe('errors of Claude on Vertex AI', () => {
  const busy = {
    type: 'error',
    error: { type: 'rate_limit_error', message: 'Quota exceeded.' },
    request_id: 'req_vrtx_1',
  }
  const google = [{ error: { code: 403, message: 'Permission denied on project p.', status: 'PERMISSION_DENIED' } }]

  it("are returned in each protocol's format", async () => {
    const wrong = { type: 'error', error: { type: 'invalid_request_error', message: 'messages: too short' } }
    harness.upstream.script = answerJson(wrong, 400)
    const error = await anthropicOf(harness)
      .messages.create({ model, ...question })
      .then(
        () => undefined,
        (caught: unknown) => caught,
      )
    expect(error).toBeInstanceOf(Anthropic.BadRequestError)
    expect(error).toMatchObject({ status: 400, error: wrong })
    const { status, json } = await harness.ask('chat', model)
    expect([status, dig(json, 'error', 'message')]).toEqual([400, 'messages: too short'])
    harness.upstream.script = answerJson(google, 403)
    const refused = await harness.ask('messages', model)
    expect([refused.status, refused.text.includes('project p')]).toEqual([502, false])
  })

  it('a 429 fails over to a target with another protocol', async () => {
    harness = await start({ models: { both: [model, 'spare/m'] }, retry: { attempts: 2 } })
    for (const stream of [false, true]) {
      harness.upstream.script = inTurn(answerJson(busy, 429, { 'retry-after': '0' }), answerIn('chat', 'sp', 'are'))
      const { headers, json, records } = await harness.ask('messages', 'both' as 'a/b', { stream })
      expect(headers.get('x-modelmount-attempts')).toBe(`${model} 429, spare/m 200`)
      expect(
        stream ? protocolFixtures.messages.textOfRecords(records) : protocolFixtures.messages.textOfAnswer(json),
      ).toBe('spare')
      expect(harness.sent()).toMatchObject({ model: 'm' })
      expect(harness.sent()).not.toHaveProperty('anthropic_version')
    }
  })

  it('fail over before the first output of a stream, and end the stream after it', async () => {
    harness = await start({ models: { both: [model, 'spare/m'], 'vertex/*': 'vertex' }, retry: { attempts: 2 } })
    const begins = namedRecord({ type: 'message_start', message: messageStart })
    const fails = namedRecord({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })
    harness.upstream.script = inTurn(answerStreamText(begins + fails), answerIn('chat', 'spare'))
    expect(
      protocolFixtures.chat.textOfRecords((await harness.ask('chat', 'both' as 'a/b', { stream: true })).records),
    ).toBe('spare')
    const [head = ''] = protocolFixtures.messages.streamed('half').split('event: content_block_stop')
    harness.upstream.script = answerStream([head, fails])
    for (const from of protocolNames) {
      const { text } = await harness.ask(from, model, { stream: true })
      expect(text).toContain('half')
      expect(text).toContain('Overloaded')
      expect(text).not.toMatch(protocolFixtures[from].endOfStream)
    }
    expect(harness.records.at(-1)).toMatchObject({ outcome: 'failed' })
  })
})
