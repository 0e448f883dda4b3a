import { createHmac } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import type { RelayOptions, Sign, UnsignedRequest } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { answerIn, type Harness, startHarness } from '../hardcases/harness.js'
import { protocolFixtures } from '../hardcases/protocol-fixtures.js'
import { answerError } from '../scripted-upstream.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const GOOGLE = '/v1/projects/p/locations/global/publishers/google'
const placesAt = (port: number): RelayOptions['providers'] => ({
  vertex: { baseURL: `http://127.0.0.1:${port}${GOOGLE}` },
  bedrock: { apiKey: 'bedrock-key-1', baseURL: `http://127.0.0.1:${port}/openai/v1` },
  azure: { apiKey: '0123456789abcdef0123456789abcdef', baseURL: `http://127.0.0.1:${port}/openai/v1` },
})

const start = (sign?: Sign): Promise<Harness> =>
  startHarness(cleanup, { retry: { attempts: 1 }, ...(sign && { sign }) }, placesAt)

describe('vertex', () => {
  it('uses its own path for Gemini, and a token from the hook for each request', async () => {
    let turn = 0
    const harness = await start(async ({ provider }) =>
      provider === 'vertex' ? { authorization: `Bearer token-${++turn}` } : undefined,
    )
    for (const from of ['gemini', 'chat'] as const) {
      const { status, text } = await harness.ask(from, 'vertex/gemini-2.5-flash')
      expect(status, text).toBe(200)
      expect(harness.upstream.seen.at(-1)).toMatchObject({
        url: `${GOOGLE}/models/gemini-2.5-flash:generateContent`,
        headers: { authorization: `Bearer token-${turn}` },
      })
    }
    const { text } = await harness.ask('messages', 'vertex/gemini-2.5-flash', { stream: true })
    expect(text).toMatch(protocolFixtures.messages.endOfStream)
    expect(harness.upstream.seen.at(-1)?.url).toBe(`${GOOGLE}/models/gemini-2.5-flash:streamGenerateContent?alt=sse`)
    expect(turn).toBe(3)
  })
})

describe('bedrock', () => {
  it('accepts a Bedrock API key', async () => {
    const harness = await start()
    await harness.ask('messages', 'bedrock/openai.gpt-oss-120b')
    expect(harness.upstream.seen.at(-1)).toMatchObject({
      url: '/openai/v1/chat/completions',
      headers: { authorization: 'Bearer bedrock-key-1' },
    })
    await harness.ask('responses', 'bedrock/openai.gpt-oss-120b')
    expect(harness.upstream.seen.at(-1)?.url).toBe('/openai/v1/responses')
  })

  it('can be signed over the whole request instead of using a key', async () => {
    const seen: UnsignedRequest[] = []
    const hash = (body: string | Buffer): string => createHmac('sha256', 'secret').update(body).digest('hex')
    const harness = await start((request) => {
      seen.push(request)
      return { Authorization: `AWS4-HMAC-SHA256 Signature=${hash(request.body)}`, 'x-amz-date': '20261124T000000Z' }
    })
    await harness.ask('chat', 'bedrock/openai.gpt-oss-120b')
    const [sent] = harness.upstream.seen
    expect(sent?.headers).toMatchObject({
      authorization: `AWS4-HMAC-SHA256 Signature=${hash(sent?.body ?? '')}`,
      'x-amz-date': '20261124T000000Z',
    })
    expect(sent?.rawHeaders.filter((name) => /^authorization$/i.test(name))).toHaveLength(1)
    expect(seen[0]).toMatchObject({ provider: 'bedrock', method: 'POST' })
    expect(seen[0]?.url).toBe(`http://127.0.0.1:${harness.upstream.port}/openai/v1/chat/completions`)
  })
})

describe('a sign hook that fails', () => {
  it.each<[string, Sign]>([
    ['rejects', () => Promise.reject(new Error('no token for secret-account'))],
    [
      'throws',
      () => {
        throw new Error('no token for secret-account')
      },
    ],
  ])('%s: is an internal error, whose cause the client does not see', async (_how, sign) => {
    const harness = await start(sign)
    const { status, text } = await harness.ask('chat', 'vertex/gemini-2.5-flash')
    expect(status).toBe(502)
    expect(text).toContain('upstream_auth_error')
    expect(text).not.toContain('secret-account')
    expect(harness.upstream.seen).toEqual([])
  })

  it('does not affect other providers', async () => {
    const harness = await start(({ provider }) => {
      if (provider === 'vertex') throw new Error('no token')
      return undefined
    })
    harness.upstream.script = answerIn('chat', 'ok')
    expect((await harness.ask('chat', 'bedrock/m')).status).toBe(200)
  })
})

it("a key without a known prefix is removed from the provider's errors", async () => {
  const harness = await start()
  harness.upstream.script = answerError(400, 'The key 0123456789abcdef0123456789abcdef is of another region.')
  const { status, text } = await harness.ask('chat', 'azure/my-deployment')
  expect(status).toBe(400)
  expect(text).toContain('of another region')
  expect(text).not.toContain('0123456789abcdef')
})
