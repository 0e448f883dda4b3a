import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, createRelay } from '../../src/index.js'
import { protocolOf } from '../../src/protocols/index.js'
import { providers, providersWithKeys } from '../../src/providers/index.js'
import type { Provider } from '../../src/providers/provider.js'
import { parseBaseUrl } from '../../src/upstream/connection/base-url.js'
import { Cleanup } from '../cleanup.js'
import { type Harness, startHarness } from '../hardcases/harness.js'
import type { ProtocolName } from '../hardcases/protocol-fixtures.js'
import { API_KEY, allProvidersAt } from './all-providers-at.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup, {}, allProvidersAt)
})
afterEach(() => cleanup.run())

type Row = [id: string, variable: string | undefined, url: string, others?: Partial<Record<ProtocolName, string>>]

/** The URL of Chat Completions, and of the other protocols that the provider supports. */
const rows: Row[] = [
  ['xai', 'XAI_API_KEY', 'https://api.x.ai/v1/chat/completions', { responses: 'https://api.x.ai/v1/responses' }],
  [
    'deepseek',
    'DEEPSEEK_API_KEY',
    'https://api.deepseek.com/chat/completions',
    {
      responses: 'https://api.deepseek.com/responses',
      messages: 'https://api.deepseek.com/anthropic/v1/messages',
    },
  ],
  [
    'qwen',
    'DASHSCOPE_API_KEY',
    'https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions',
    { messages: 'https://dashscope-intl.aliyuncs.com/apps/anthropic/v1/messages' },
  ],
  [
    'moonshot',
    'MOONSHOT_API_KEY',
    'https://api.moonshot.ai/v1/chat/completions',
    { messages: 'https://api.moonshot.ai/anthropic/v1/messages' },
  ],
  [
    'zai',
    'ZAI_API_KEY',
    'https://api.z.ai/api/paas/v4/chat/completions',
    { messages: 'https://api.z.ai/api/anthropic/v1/messages' },
  ],
  [
    'minimax',
    'MINIMAX_API_KEY',
    'https://api.minimax.io/v1/chat/completions',
    { messages: 'https://api.minimax.io/anthropic/v1/messages' },
  ],
  ['mistral', 'MISTRAL_API_KEY', 'https://api.mistral.ai/v1/chat/completions'],
  ['cohere', 'CO_API_KEY', 'https://api.cohere.ai/compatibility/v1/chat/completions'],
  ['perplexity', 'PERPLEXITY_API_KEY', 'https://api.perplexity.ai/chat/completions'],
  ['groq', 'GROQ_API_KEY', 'https://api.groq.com/openai/v1/chat/completions'],
  ['cerebras', 'CEREBRAS_API_KEY', 'https://api.cerebras.ai/v1/chat/completions'],
  ['together', 'TOGETHER_API_KEY', 'https://api.together.xyz/v1/chat/completions'],
  [
    'fireworks',
    'FIREWORKS_API_KEY',
    'https://api.fireworks.ai/inference/v1/chat/completions',
    {
      responses: 'https://api.fireworks.ai/inference/v1/responses',
      messages: 'https://api.fireworks.ai/inference/v1/messages',
    },
  ],
  [
    'openrouter',
    'OPENROUTER_API_KEY',
    'https://openrouter.ai/api/v1/chat/completions',
    { messages: 'https://openrouter.ai/api/v1/messages' },
  ],
  ...(
    [
      ['ollama', 11434],
      ['vllm', 8000],
      ['llama-cpp', 8080],
      ['lm-studio', 1234],
    ] as const
  ).map(
    ([id, port]): Row => [
      id,
      undefined,
      `http://127.0.0.1:${port}/v1/chat/completions`,
      { responses: `http://127.0.0.1:${port}/v1/responses`, messages: `http://127.0.0.1:${port}/v1/messages` },
    ],
  ),
]

const IDS = { chat: 'openai-chat', responses: 'openai-responses', messages: 'anthropic-messages' } as const
const all: readonly ProtocolName[] = ['chat', 'responses', 'messages', 'gemini']

function providerOf(id: string): Provider {
  const provider = providers.get(id)
  if (!provider) throw new Error(`no provider ${id}`)
  return provider
}

/** The URL of a protocol under a base URL. */
function urlOf(provider: Provider, baseURL: string, id: keyof typeof IDS): string {
  const protocol = protocolOf(IDS[id])
  const { origin, protocolPrefixes } = parseBaseUrl(baseURL, provider, [protocol], 1)
  return origin + protocolPrefixes.get(protocol.id) + protocol.pathFor('m', false)
}

describe.each(rows)('%s', (id, variable, chat, others = {}) => {
  const urls = Object.entries({ chat, ...others }) as [keyof typeof IDS, string][]

  it('has the base URL and the key variable of its vendor', () => {
    const provider = providerOf(id)
    expect(provider.keyVariable).toBe(variable)
    expect(provider.speaks).toEqual(urls.map(([protocol]) => IDS[protocol]))
    for (const [protocol, url] of urls) {
      expect(urlOf(provider, provider.baseURL ?? '', protocol)).toBe(url)
    }
  })

  it('gets authenticated requests in each of its protocols, and in the first for other clients', async () => {
    for (const from of all) {
      const { status, text } = await harness.ask(from, `${id}/some-model`)
      const seen = harness.upstream.seen.at(-1)
      expect(status, text).toBe(200)
      const url = new URL(urls.find(([protocol]) => protocol === from)?.[1] ?? chat)
      expect([from, seen?.url]).toEqual([from, url.pathname])
      expect(seen?.headers).toMatchObject({ authorization: `Bearer ${API_KEY}` })
      expect(JSON.parse(seen?.body ?? '')).toMatchObject({ model: 'some-model' })
    }
  })
})

describe('azure', () => {
  it('uses its v1 path and the api-key header, and needs a base URL', async () => {
    await harness.ask('messages', 'azure/my-deployment')
    const seen = harness.upstream.seen.at(-1)
    expect(seen).toMatchObject({ url: '/v1/chat/completions', headers: { 'api-key': API_KEY } })
    expect(seen?.headers).not.toHaveProperty('authorization')
    await harness.ask('responses', 'azure/my-deployment')
    expect(harness.upstream.seen.at(-1)).toMatchObject({ url: '/v1/responses', headers: { 'api-key': API_KEY } })
    expect(urlOf(providerOf('azure'), 'https://mine.openai.azure.com/openai/v1/', 'responses')).toBe(
      'https://mine.openai.azure.com/openai/v1/responses',
    )
    expect(() => createRelay({ providers: { azure: { apiKey: 'k' } }, logger: false })).toThrowError(ConfigError)
  })
})

describe('another base URL', () => {
  it.each([
    ['qwen', 'https://dashscope.aliyuncs.com/compatible-mode/v1', 'https://dashscope.aliyuncs.com/apps/anthropic'],
    ['moonshot', 'https://api.moonshot.cn/v1', 'https://api.moonshot.cn/anthropic'],
    ['minimax', 'https://api.minimaxi.com/v1', 'https://api.minimaxi.com/anthropic'],
    ['zai', 'https://open.bigmodel.cn/api/paas/v4', 'https://open.bigmodel.cn/api/anthropic'],
    ['zai', 'https://api.z.ai/api/coding/paas/v4', 'https://api.z.ai/api/anthropic'],
    ['deepseek', 'https://api.deepseek.com/v1', 'https://api.deepseek.com/anthropic'],
    ['deepseek', 'https://api.deepseek.com/beta', 'https://api.deepseek.com/anthropic'],
    ['deepseek', 'https://proxy.example/deepseek/', 'https://proxy.example/deepseek/anthropic'],
    ['moonshot', 'https://proxy.example/kimi/v1', 'https://proxy.example/kimi/anthropic'],
    ['moonshot', 'https://api.moonshot.ai/anthropic', 'https://api.moonshot.ai/anthropic'],
    ['openai-compatible', 'https://host.example/v1', 'https://host.example'],
    ['openai-compatible', 'https://host.example', 'https://host.example'],
    ['anthropic', 'https://api.anthropic.com/v1', 'https://api.anthropic.com'],
  ])('%s at %s has Messages under %s', (id, baseURL, messages) => {
    expect(urlOf(providerOf(id), baseURL, 'messages')).toBe(`${messages}/v1/messages`)
  })
})

describe('the registry of providers', () => {
  it('adds no local server and no provider without a base URL from environment variables', () => {
    const ids = providersWithKeys.map(({ id }) => id)
    for (const id of ['ollama', 'vllm', 'llama-cpp', 'lm-studio', 'openai-compatible', 'azure']) {
      expect(ids).not.toContain(id)
    }
    expect(ids).toEqual(expect.arrayContaining(['openai', 'xai', 'qwen']))
    expect(new Set(providersWithKeys.map(({ keyVariable }) => keyVariable)).size).toBe(providersWithKeys.length)
  })

  it('needs no key for local servers', async () => {
    const local = (port: number) => ({ ollama: { baseURL: `http://127.0.0.1:${port}/v1` } })
    harness = await startHarness(cleanup, {}, local)
    expect((await harness.ask('chat', 'ollama/llama3.2')).status).toBe(200)
    expect(harness.upstream.seen.at(-1)?.headers).not.toHaveProperty('authorization')
  })

  it('assigns every well-known model name to one provider', () => {
    const claims = [...providers.values()].flatMap(({ id, models }) => models.map((text) => [id, text] as const))
    const begins = (name: string, text: string): boolean => name.startsWith(text.replace(/\*.*/, ''))
    for (const [id, text] of claims) {
      const rivals = claims.filter(([other, wider]) => other !== id && begins(text, wider))
      expect([text, rivals]).toEqual([text, []])
    }
    for (const { id, familiarModel, models } of providers.values()) {
      if (familiarModel) expect([id, models.some((text) => begins(familiarModel, text))]).toEqual([id, true])
    }
  })

  it('requests no token count from providers that cannot count', async () => {
    const counting = { with: { model: 'deepseek/m', messages: [{ role: 'user', content: 'hi' }] } }
    const { status, headers } = await harness.send('POST', '/v1/messages/count_tokens', counting)
    expect([status, headers.get('x-modelmount-losses')]).toEqual([200, 'count: estimated by the relay'])
    expect(harness.upstream.seen).toEqual([])
  })
})
