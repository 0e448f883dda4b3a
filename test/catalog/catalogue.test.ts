import { describe, expect, it } from 'vitest'
import { Catalogue, type ModelFacts } from '../../src/catalog/catalogue.js'
import { providers } from '../../src/providers/index.js'

const catalogue = new Catalogue()
await catalogue.load()

function pricesOf(facts: ModelFacts | undefined): readonly unknown[] {
  return [facts?.id, facts?.inputPrice, facts?.outputPrice]
}

describe('the catalogue', () => {
  it('loads once, when it is needed', async () => {
    const fresh = new Catalogue()
    expect(fresh.isLoaded).toBe(false)
    expect(() => fresh.find('openai', 'gpt-5')).toThrow('the catalogue is not loaded')
    expect(fresh.load()).toBe(fresh.load())
    await fresh.load()
    expect(fresh.isLoaded).toBe(true)
  })

  it('knows more than two hundred models', () => {
    expect(catalogue.size).toBeGreaterThan(200)
    const providerIds = ['openai', 'anthropic', 'google', 'groq', 'mistral', 'deepseek', 'together', 'openrouter']
    const names = new Set(providerIds.flatMap((id) => catalogue.modelNames(id)))
    expect(names.size).toBeGreaterThan(200)
  })

  it('knows the familiar model of every provider', () => {
    for (const { id, catalogId = id, familiarModel } of providers.values()) {
      if (!familiarModel) continue
      const facts = catalogue.find(catalogId, familiarModel)
      expect(facts?.pricing, id).toBeDefined()
      // For some models it knows only the price.
      expect(facts?.contextWindow ?? 128_000, id).toBeGreaterThan(100_000)
    }
  })

  it.each([
    ['openai', 'gpt-4o', 'gpt-4o'],
    ['openai', 'GPT-4o-2024-08-06', 'gpt-4o'],
    ['openai', 'ft:gpt-4o-2024-08-06:org::id', 'ft:gpt-4o'],
    ['anthropic', 'claude-sonnet-4-5-20250929', 'claude-sonnet-4-5'],
    ['google', 'models/gemini-2.5-flash', 'gemini-2.5-flash'],
    ['google', 'publishers/google/models/gemini-2.5-flash', 'gemini-2.5-flash'],
    ['google', 'claude-sonnet-4-5@20250929', 'claude-sonnet-4-5'],
    ['aws', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'regional.anthropic.claude-sonnet-4-5-20250929-v1:0'],
    ['openrouter', 'anthropic/claude-sonnet-4.5', 'anthropic/claude-sonnet-4.5'],
    ['openai', 'gpt-99', undefined],
    ['groq', 'gpt-4o', undefined],
  ])('at %s finds %s', (provider, name, id) => {
    expect(catalogue.find(provider, name)?.id).toBe(id)
  })

  it.each([
    ['gpt-4o-mini', 'gpt-4o-mini'],
    ['gpt-4o-2024-08-06', 'gpt-4o'],
    ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5'],
    ['deepseek-chat', 'deepseek-chat'],
    ['grok-4', 'grok-4-0709'],
    // These names are typical of a user's own server, and none is a name of the maker's service.
    ['deepseek-r1:7b', undefined],
    ['my-gemini-2.5-flash', undefined],
    ['gpt-4o-tuned-by-us', undefined],
    ['meta-llama/Llama-3.3-70B-Instruct', undefined],
    ['openai/gpt-4o', undefined],
    ['qwen3-32b', undefined],
  ])('at an unknown provider finds %s at its vendor, or not at all', (name, id) => {
    expect(catalogue.find('openai-compatible', name)?.id).toBe(id)
  })

  it('describes a model', () => {
    const opus = catalogue.find('anthropic', 'claude-haiku-4-5')
    expect(pricesOf(opus)).toEqual(['claude-haiku-4-5', 1, 5])
    expect(opus?.contextWindow).toBe(200_000)
    expect([...(opus?.capabilities ?? [])]).toEqual(['prompt-cache', 'web-search'])
    expect([...(catalogue.find('openai', 'gpt-audio')?.capabilities ?? [])]).toEqual(['audio-input', 'audio-output'])
  })

  it('has a price of zero only for names that end in :free', () => {
    const usage = { input: 1000, cachedInput: 0, cacheWriteInput: 0, output: 1000, reasoning: 0 }
    expect(catalogue.find('openrouter', 'openai/gpt-oss-20b:free')?.pricing?.(usage)).toBe(0)
    expect(pricesOf(catalogue.find('openrouter', 'openai/gpt-oss-20b:free')).slice(1)).toEqual([0, 0])
    const unknown = catalogue.find('cerebras', 'qwen-3-coder-480b')
    expect([unknown?.id, unknown?.pricing, unknown?.inputPrice]).toEqual(['qwen-3-coder-480b', undefined, undefined])
  })

  it('lists names by which a model is found, and no deprecated model', () => {
    for (const provider of ['openai', 'anthropic', 'google', 'aws', 'fireworks']) {
      const names = catalogue.modelNames(provider)
      expect(names.length, provider).toBeGreaterThan(10)
      expect(new Set(names).size, provider).toBe(names.length)
      for (const name of names) expect(catalogue.find(provider, name)?.isDeprecated, name).toBe(false)
    }
    expect(catalogue.modelNames('openai')).toContain('gpt-5-mini')
    expect(catalogue.modelNames('nowhere')).toEqual([])
  })

  it('remembers a bounded number of names', () => {
    const first = catalogue.find('openai', 'gpt-5')
    expect(catalogue.find('openai', 'gpt-5')).toBe(first)
    for (let index = 0; index < 2100; index++) catalogue.find('openai', `nothing-${index}`)
    expect(catalogue.find('openai', 'gpt-5')).not.toBe(first)
  })
})
