import { gzipSync } from 'node:zlib'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RelayOptions, UnsignedRequest } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { answerFrames, chunkFrame, eventFrame, exceptionFrame, framesOf } from '../event-frames.js'
import { answerIn, type Harness, startHarness } from '../hardcases/harness.js'
import { dig, messageStart, protocolFixtures, protocolNames } from '../hardcases/protocol-fixtures.js'
import { answerJson, inTurn, type Script } from '../scripted-upstream.js'
import { KEY } from '../test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const VERSION = 'bedrock-2023-05-31'
const CLAUDE = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const model = `bedrock/${CLAUDE}` as const
const AT = '/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0'

const placesAt =
  (path = '/openai/v1') =>
  (port: number): RelayOptions['providers'] => ({
    bedrock: { apiKey: 'bedrock-api-key-1', baseURL: `http://127.0.0.1:${port}${path}` },
    spare: { type: 'openai-compatible', baseURL: `http://127.0.0.1:${port}/v1` },
  })

const start = (more: Partial<RelayOptions> = {}, path?: string): Promise<Harness> =>
  startHarness(cleanup, { retry: { attempts: 1 }, ...more }, placesAt(path))

const FRAMES = framesOf(protocolFixtures.messages.streamed('he', 'llo'))

/** Answers as Bedrock does, whole or in frames, by the path. */
const invoked: Script = (req, res, seen) =>
  (seen.url.endsWith('-stream') ? answerFrames(FRAMES) : answerJson(protocolFixtures.messages.whole('hello')))(
    req,
    res,
    seen,
  )

let harness: Harness
beforeEach(async () => {
  harness = await start()
  harness.upstream.script = invoked
})

const anthropicOf = ({ origin }: Harness): Anthropic => new Anthropic({ apiKey: KEY, baseURL: origin, maxRetries: 0 })
const question = { max_tokens: 100, messages: [{ role: 'user' as const, content: 'hi' }] }

describe('Claude on Bedrock', () => {
  it('gets requests of Anthropic clients with model and stream in the path and the version in the body', async () => {
    const answer = await anthropicOf(harness).messages.create({ model, ...question })
    expect(answer.content).toMatchObject([{ type: 'text', text: 'hello' }])
    const [seen] = harness.upstream.seen
    expect(seen).toMatchObject({ method: 'POST', url: `${AT}/invoke` })
    expect(seen?.headers).toMatchObject({
      authorization: 'Bearer bedrock-api-key-1',
      'content-type': 'application/json',
    })
    for (const name of ['anthropic-version', 'anthropic-beta', 'x-api-key'])
      expect(seen?.headers).not.toHaveProperty(name)
    expect(harness.sent()).toEqual({ anthropic_version: VERSION, ...question })
  })

  it('gets every other byte unchanged', async () => {
    const rest =
      '"max_tokens" : 100,\n "messages": [ {"role":"user","content":"\\"stream\\":true, ü"} ], "x": 12345678901234567890'
    for (const stream of ['false', 'true']) {
      const body = `{"stream" : ${stream}, ${rest} , "model": "${model}"}`
      expect((await harness.ask('messages', model, { body })).status).toBe(200)
      expect(harness.upstream.seen.at(-1)?.body).toBe(`{"anthropic_version":"${VERSION}", ${rest} }`)
    }
    await harness.ask('messages', model, { body: `{${rest},"model":"${model}","str\\u0065am":true}` })
    expect(harness.upstream.seen.at(-1)).toMatchObject({
      url: `${AT}/invoke-with-response-stream`,
      body: `{"anthropic_version":"${VERSION}",${rest}}`,
    })
  })

  it('streams to Anthropic clients as server-sent events', async () => {
    const stream = anthropicOf(harness).messages.stream({ model, ...question })
    expect(await stream.finalText()).toBe('hello')
    expect(await stream.finalMessage()).toMatchObject({ stop_reason: 'end_turn', usage: { output_tokens: 2 } })
    expect(harness.upstream.seen.at(-1)?.url).toBe(`${AT}/invoke-with-response-stream`)
    expect(harness.sent()).toEqual({ anthropic_version: VERSION, ...question })
    const { text, headers } = await harness.ask('messages', model, { stream: true })
    expect(headers.get('content-type')).toContain('text/event-stream')
    expect(text).toBe(protocolFixtures.messages.streamed('he', 'llo'))
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
        if (stream) expect(text).toMatch(protocolFixtures[from].endOfStream)
        expect(harness.upstream.seen.at(-1)?.url).toBe(`${AT}/invoke${stream ? '-with-response-stream' : ''}`)
        expect(harness.sent()).toMatchObject({ anthropic_version: VERSION, messages: [{ role: 'user' }] })
        expect(harness.sent()).not.toHaveProperty('model')
        expect(harness.sent()).not.toHaveProperty('stream')
      }
    }
    const openai = new OpenAI({ apiKey: KEY, baseURL: `${harness.origin}/v1`, maxRetries: 0 })
    const messages = [{ role: 'user' as const, content: 'hi' }]
    const asked = { model, messages, stream: true as const, stream_options: { include_usage: true } }
    let words = ''
    let tokens = 0
    for await (const { choices, usage } of await openai.chat.completions.create(asked)) {
      words += choices[0]?.delta.content ?? ''
      tokens += usage?.total_tokens ?? 0
    }
    expect([words, tokens]).toEqual(['hello', 7])
    expect(dig(harness.sent(), 'max_tokens')).toBe(64_000)
    await harness.ask('chat', model, { with: { service_tier: 'default' } })
    expect(harness.sent()).not.toHaveProperty('service_tier')
  })

  it.each([
    ['anthropic.claude-3-5-sonnet-20241022-v2:0', 'anthropic.claude-3-5-sonnet-20241022-v2%3A0'],
    ['global.anthropic.claude-opus-4-6-v1', 'global.anthropic.claude-opus-4-6-v1'],
    [
      'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0',
      'arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-sonnet-4-20250514-v1%3A0',
    ],
    [
      'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123',
      'arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc123',
    ],
  ])('%s is one segment of the path', async (name, segment) => {
    harness = await start({ models: { claude: `bedrock/${name}` } })
    harness.upstream.script = invoked
    expect((await harness.ask('chat', 'claude' as 'a/b')).status).toBe(200)
    expect(harness.upstream.seen.at(-1)?.url).toBe(`/model/${segment}/invoke`)
  })

  it("shows the account in a model's ARN to the operator only", async () => {
    const profile = 'arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc123'
    const models = { mine: [`bedrock/${profile}`, 'spare/m'] }
    harness = await start({ models, retry: { attempts: 2 } })
    harness.upstream.script = inTurn(answerJson({ message: 'no' }, 503), answerIn('chat', 'spare'), invoked)
    const failed = await harness.ask('messages', 'mine' as 'a/b')
    const hidden = 'bedrock/arn:aws:bedrock:eu-central-1:************:application-inference-profile/abc123'
    expect(failed.headers.get('x-modelmount-attempts')).toBe(`${hidden} 503, spare/m 200`)
    const answered = await harness.ask('messages', 'mine' as 'a/b')
    expect(answered.headers.get('x-modelmount-target')).toBe(hidden)
    expect(harness.records.at(-1)).toMatchObject({ target: `bedrock/${profile}` })
    expect(harness.records[0]?.attempts[0]).toMatchObject({ target: `bedrock/${profile}` })
    expect(harness.upstream.seen[0]?.url).toContain('123456789012')
  })

  it('refuses a model name that would change the path', async () => {
    for (const bad of ['anthropic./../x', 'anthropic.claude?a=b', 'anthropic.claude/..', 'anthropic.%2e']) {
      const { status } = await harness.ask('messages', `bedrock/${bad}`)
      expect([bad, status]).toEqual([bad, 404])
    }
    expect(harness.upstream.seen).toEqual([])
  })

  it("keeps the path of other models, and accepts the region's base URL", async () => {
    harness.upstream.script = answerIn('chat', 'ok')
    await harness.ask('messages', 'bedrock/openai.gpt-oss-120b')
    expect(harness.upstream.seen.at(-1)?.url).toBe('/openai/v1/chat/completions')
    for (const path of ['', '/', '/openai/v1/']) {
      harness = await start({}, path)
      harness.upstream.script = invoked
      expect((await harness.ask('chat', model)).status).toBe(200)
      expect(harness.upstream.seen.at(-1)?.url).toBe(`${AT}/invoke`)
    }
  })

  it('gets requests like other models if the config says so', async () => {
    harness = await startHarness(cleanup, {}, (port) => ({
      bedrock: { apiKey: 'k-1', baseURL: `http://127.0.0.1:${port}/openai/v1`, speaks: ['openai-chat'] },
    }))
    harness.upstream.script = answerIn('chat', 'ok')
    expect((await harness.ask('messages', model)).status).toBe(200)
    expect(harness.upstream.seen.at(-1)?.url).toBe('/openai/v1/chat/completions')
  })

  it('gets betas in the body, except betas of the client itself', async () => {
    const headers = { 'anthropic-beta': 'claude-code-20250219, context-1m-2025-08-07,interleaved-thinking-2025-05-14' }
    await harness.ask('messages', model, { headers })
    expect(harness.sent()).toMatchObject({
      anthropic_beta: ['context-1m-2025-08-07', 'interleaved-thinking-2025-05-14'],
    })
    await harness.ask('messages', model, { headers, with: { anthropic_beta: ['mine'] } })
    expect(harness.sent()).toMatchObject({ anthropic_beta: ['mine'] })
  })

  it('has its tokens estimated, since not every model counts', async () => {
    const { messages } = question
    const { input_tokens } = await anthropicOf(harness).messages.countTokens({ model, messages })
    expect(input_tokens).toBeGreaterThan(0)
    expect(harness.upstream.seen).toEqual([])
  })

  it('gets image URLs as bytes that the relay fetches', async () => {
    harness = await start({ media: { fetch: true } })
    const url = 'https://127.0.0.1/cat.png'
    const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }]
    const { status, text } = await harness.ask('chat', model, { with: { messages } })
    expect([status, text.includes('could not be fetched')]).toEqual([400, true])
    expect(harness.upstream.seen).toEqual([])
  })

  it('can be signed over the sent path and body', async () => {
    const signed: UnsignedRequest[] = []
    harness = await start({
      sign: (request) => {
        signed.push(request)
        return { authorization: 'AWS4-HMAC-SHA256 Signature=1', 'x-amz-date': '20261124T000000Z' }
      },
    })
    harness.upstream.script = invoked
    await harness.ask('messages', model, { stream: true })
    const [seen] = harness.upstream.seen
    expect(seen?.headers).toMatchObject({ authorization: 'AWS4-HMAC-SHA256 Signature=1' })
    expect(signed[0]?.url).toBe(`http://127.0.0.1:${harness.upstream.port}${seen?.url}`)
    expect(signed[0]?.body).toEqual(seen?.raw)
  })
})

describe('event stream frames', () => {
  it('may be split at every byte', async () => {
    const whole = protocolFixtures.messages.streamed('he', 'llo')
    const { length } = Buffer.concat(FRAMES)
    for (let cut = 1; cut < length; cut++) {
      harness.upstream.script = answerFrames(FRAMES, cut)
      const from = cut % 2 === 0 ? 'messages' : 'chat'
      const { text, records } = await harness.ask(from, model, { stream: true })
      if (from === 'messages') expect(text).toBe(whole)
      else expect(protocolFixtures.chat.textOfRecords(records)).toBe('hello')
    }
  })

  it('may be compressed without a request for it', async () => {
    harness.upstream.script = (_req, res) => {
      const head = { 'content-type': 'application/vnd.amazon.eventstream', 'content-encoding': 'gzip' }
      res.writeHead(200, head).end(gzipSync(Buffer.concat(FRAMES)))
    }
    const { text } = await harness.ask('messages', model, { stream: true })
    expect(text).toBe(protocolFixtures.messages.streamed('he', 'llo'))
  })

  it('follow the backpressure of the client', async () => {
    const delta = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'x'.repeat(64_000) } }
    const many = Array.from({ length: 400 }, () => chunkFrame(JSON.stringify(delta)))
    harness.upstream.script = answerFrames([...FRAMES.slice(0, 3), ...many, ...FRAMES.slice(-3)])
    const { text } = await harness.ask('messages', model, { stream: true })
    expect(text.length).toBeGreaterThan(400 * 64_000)
    expect(text).toMatch(protocolFixtures.messages.endOfStream)
  })

  it('of unknown types are skipped, and may have line ends within a record', async () => {
    const strange = eventFrame({ ':message-type': 'event', ':event-type': 'news' }, '{}')
    const spread = chunkFrame('{\r\n"type": "ping",\n"x": "a\\nb" }')
    harness.upstream.script = answerFrames([strange, FRAMES[0] as Buffer, spread, ...FRAMES.slice(1)])
    const { text } = await harness.ask('messages', model, { stream: true })
    expect(text).toContain('event: ping\ndata: { "type": "ping", "x": "a\\nb" }\n\n')
    expect(text).toMatch(protocolFixtures.messages.endOfStream)
  })

  const begun = FRAMES.slice(0, 3)
  const damaged = Buffer.from(FRAMES[3] as Buffer)
  damaged[40] = (damaged[40] ?? 0) ^ 1

  it.each<[what: string, frames: readonly Buffer[], words: string]>([
    ['is damaged', [...begun, damaged], 'damaged'],
    ['is damaged, in one piece', [Buffer.concat([...begun, damaged, ...FRAMES.slice(4)])], 'damaged'],
    ['ends in a frame', [...begun, (FRAMES[3] as Buffer).subarray(0, 30)], 'in the middle'],
    ['ends after a frame', begun, 'in the middle'],
    ['holds no record', [...begun, chunkFrame('no JSON')], 'damaged'],
    ['throttles', [...begun, exceptionFrame('throttlingException', 'Too many tokens.')], 'Too many tokens.'],
    ['errs', [...begun, exceptionFrame('modelStreamErrorException', 'It broke.')], 'It broke.'],
    [
      'errs by the gateway',
      [...begun, eventFrame({ ':message-type': 'error', ':error-message': 'Gone.' }, '')],
      'Gone.',
    ],
  ])('a stream that %s after output ends with an error and without an end marker', async (_what, frames, words) => {
    for (const from of protocolNames) {
      harness.upstream.script = answerFrames(frames)
      const { status, text } = await harness.ask(from, model, { stream: true })
      expect([from, status]).toEqual([from, 200])
      expect(text).toContain('he')
      expect(text).toContain(words)
      expect(text).not.toMatch(protocolFixtures[from].endOfStream)
    }
    expect(['failed', 'cut']).toContain(harness.records.at(-1)?.outcome)
    expect(harness.records.at(-1)).toMatchObject({ inputTokens: 5 })
  })

  it.each<[what: string, frames: readonly Buffer[], attemptStatus: string]>([
    ['throttled', [exceptionFrame('throttlingException', 'slow down')], '429'],
    ['not served', [exceptionFrame('serviceUnavailableException', 'later')], '529'],
    ['out of time', [exceptionFrame('modelTimeoutException', 'too late')], '504'],
    ['broken', [exceptionFrame('internalServerException', 'sorry')], '500'],
    ['damaged', [chunkFrame(JSON.stringify({ type: 'message_start', message: messageStart })), damaged], 'invalid'],
    ['overloaded', [chunkFrame('{"type":"error","error":{"type":"overloaded_error","message":"x"}}')], '529'],
  ])('a stream that is %s before any output fails over to the next target', async (_what, frames, attemptStatus) => {
    harness = await start({ models: { both: [model, 'spare/m'] }, retry: { attempts: 2 } })
    for (const from of ['messages', 'chat'] as const) {
      harness.upstream.script = inTurn(answerFrames(frames), answerIn('chat', 'spare'))
      const { records, headers } = await harness.ask(from, 'both' as 'a/b', { stream: true })
      expect(protocolFixtures[from].textOfRecords(records)).toBe('spare')
      if (from === 'messages')
        expect(headers.get('x-modelmount-attempts')).toContain(`${model} ${attemptStatus}, spare/m 200`)
      harness = await start({ models: { both: [model, 'spare/m'] }, retry: { attempts: 2 } })
    }
  })

  it('an invalid request is returned without another attempt', async () => {
    harness.upstream.script = answerFrames([exceptionFrame('validationException', 'messages: too short')])
    const { status, json } = await harness.ask('messages', model, { stream: true })
    expect([status, dig(json, 'error', 'message')]).toEqual([400, 'messages: too short'])
  })
})

describe('errors', () => {
  it.each<[status: number, message: string, clientStatus: number]>([
    [400, 'messages: roles must alternate', 400],
    [403, 'User arn:aws:iam::123456789012:user/me may not do this.', 502],
    [404, 'Could not resolve the foundation model from the model identifier.', 404],
    [429, 'Too many requests, please wait before trying again.', 429],
    [424, 'The model has failed.', 424],
    [503, 'Bedrock is unable to process your request.', 503],
  ])('%i', async (upstreamStatus, message, clientStatus) => {
    for (const stream of [false, true]) {
      const headers = { 'x-amzn-errortype': 'SomeException:http://internal.amazon.com/coral/' }
      harness.upstream.script = answerJson({ message }, upstreamStatus, headers)
      for (const from of ['messages', 'chat'] as const) {
        harness = await start()
        harness.upstream.script = answerJson({ message }, upstreamStatus, headers)
        const { status, text } = await harness.ask(from, model, { stream })
        expect([from, status]).toEqual([from, clientStatus])
        if (clientStatus === 502) expect(text).not.toContain('123456789012')
        else expect(text).toContain(message)
      }
    }
  })

  it('a prompt that is too long gets its error code', async () => {
    harness = await start({
      models: { long: { targets: [model], onContextTooLong: ['spare/m'] } },
      retry: { attempts: 2 },
    })
    harness.upstream.script = inTurn(
      answerJson({ message: 'Input is too long for requested model.' }, 400),
      answerIn('chat', 'spare'),
    )
    expect(protocolFixtures.chat.textOfAnswer((await harness.ask('chat', 'long' as 'a/b')).json)).toBe('spare')
  })

  it.each([424, 429, 500, 503])('%i fails over to the next target', async (status) => {
    harness = await start({ models: { both: [model, 'spare/m'] }, retry: { attempts: 2 } })
    harness.upstream.script = inTurn(answerJson({ message: 'no' }, status), answerIn('chat', 'spare'))
    const { headers } = await harness.ask('gemini', 'both' as 'a/b')
    expect(headers.get('x-modelmount-attempts')).toBe(`${model} ${status}, spare/m 200`)
  })
})
