import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { fetchRelay } from '../adapters/fetch.js'
import type { RelayOptions } from '../src/index.js'
import { Cleanup } from './cleanup.js'
import { KEY, testRelay } from './test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const PROVIDERS = {
  openai: { apiKey: 'k-12345678' },
  anthropic: { apiKey: 'k-12345678' },
  gemini: { apiKey: 'k-12345678' },
}

function start(options: Partial<RelayOptions> = {}) {
  const relay = cleanup.add(testRelay({ providers: PROVIDERS, ...options }))
  const fetch = fetchRelay(relay)
  return { fetch, openai: new OpenAI({ baseURL: 'http://relay/v1', apiKey: KEY, fetch }) }
}

interface Entry {
  readonly id: string
  readonly owned_by: string
  readonly context_window?: number
  readonly pricing?: { readonly input: number; readonly output: number }
}

describe('the list of models', () => {
  const ids = async ({ openai }: ReturnType<typeof start>): Promise<Entry[]> =>
    (await openai.models.list()).data as unknown as Entry[]

  it("has the catalogue's models without a models config, with owner, window and price", async () => {
    const models = await ids(start())
    expect(models.length).toBeGreaterThanOrEqual(100)
    for (const owner of ['openai', 'anthropic', 'gemini'])
      expect(models.filter((model) => model.owned_by === owner).length).toBeGreaterThan(5)
    expect(new Set(models.map(({ id }) => id)).size).toBe(models.length)
    const gpt = models.find(({ id }) => id === 'gpt-4o')
    expect(gpt).toMatchObject({ context_window: 128_000, pricing: { input: 2.5, output: 10 } })
  })

  it('has exactly the names and matches of a models config', async () => {
    const models = await ids(
      start({ models: { fast: 'openai/gpt-4o-mini', 'claude-*': 'anthropic', 'g/*': 'gemini/*' } }),
    )
    const names = models.map(({ id }) => id)
    expect(names[0]).toBe('fast')
    expect(names.filter((name) => name !== 'fast').every((name) => name.startsWith('claude-'))).toBe(true)
    expect(names.length).toBeGreaterThan(5)
    expect(models[0]).toMatchObject({ owned_by: 'openai', pricing: { input: 0.15, output: 0.6 } })
  })

  it('shows a caller the models that it may use, at its own prices', async () => {
    const models = await ids(
      start({
        keys: [{ id: 'alice', key: KEY, models: ['gpt-4o*'] }],
        prices: { 'openai/gpt-4o': { input: 7, output: 70 } },
      }),
    )
    expect(models.every(({ id }) => id.startsWith('gpt-4o'))).toBe(true)
    expect(models.find(({ id }) => id === 'gpt-4o')?.pricing).toEqual({ input: 7, output: 70 })
  })

  it('works with Anthropic’s client, also for one model', async () => {
    const { fetch, openai } = start()
    const anthropic = new Anthropic({ baseURL: 'http://relay', apiKey: KEY, fetch })
    const models = await anthropic.models.list()
    expect(models.data.length).toBeGreaterThan(100)
    expect(models.data.find(({ id }) => id === 'gpt-4o')).toMatchObject({ max_input_tokens: 128_000 })
    expect(await openai.models.retrieve('gemini/gemini-2.5-flash')).toMatchObject({
      owned_by: 'gemini',
      pricing: { input: 0.3 },
    })
  })
})
