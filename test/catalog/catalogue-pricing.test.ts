import { calcPrice, type ModelInfo, type Provider, waitForUpdate } from '@pydantic/genai-prices'
import { describe, expect, it } from 'vitest'
import { createCataloguePricing } from '../../src/catalog/catalogue-pricing.js'
import type { Usage } from '../../src/chat/usage.js'
import { seeded } from '../random.js'
import { packageUsage, randomUsages } from './usages.js'

const allProviders = (await waitForUpdate()) ?? []
const USAGES = randomUsages(seeded(7), 40)
const TIMES = [
  '2025-01-01T00:00:00Z',
  '2025-06-10T00:00:00Z',
  '2026-03-13T16:29:59.999Z',
  '2026-08-17T16:30:00Z',
  '2026-08-31T02:00:00Z',
  '2026-11-24T04:00:00Z',
  '2027-01-01T09:59:59Z',
].map(Date.parse)

/** The price of this model as the package computes it, in nano-dollars. */
function packageCost(provider: Provider, model: ModelInfo, usage: Usage, at: number): number {
  const onlyThisModel = { ...provider, models: [{ ...model, match: { equals: 'it' } }], fallback_model_providers: [] }
  const result = calcPrice(packageUsage(usage), 'it', { provider: onlyThisModel, timestamp: new Date(at) })
  return (result?.total_price ?? Number.NaN) * 1e9
}

describe('the pricing of a catalogue model', () => {
  it("equals the package's own result for all its models, usages and times", () => {
    let compared = 0
    const wrong: string[] = []
    for (const provider of allProviders)
      for (const model of provider.models) {
        const cataloguePricing = createCataloguePricing(model.prices)
        if (!cataloguePricing) continue
        const times = Array.isArray(model.prices) ? TIMES : TIMES.slice(0, 1)
        for (const [index, usage] of USAGES.entries()) {
          const at = times[index % times.length] ?? 0
          const ours = cataloguePricing.pricing(usage, at)
          const theirs = packageCost(provider, model, usage, at)
          compared++
          // Both add fractions in a different order. The rounding errors are below a thousandth of a nano-dollar.
          if (!(Math.abs(ours - theirs) < 0.001)) wrong.push(`${provider.id}/${model.id}: ${ours}, not ${theirs}`)
        }
      }
    expect(wrong.slice(0, 10)).toEqual([])
    expect(compared).toBeGreaterThan(1400 * USAGES.length)
  })

  it('is undefined only if the package has no price for tokens', () => {
    const missing = allProviders.flatMap(({ models }) => models.filter(({ prices }) => !createCataloguePricing(prices)))
    const tables = missing.flatMap(({ prices }) => (Array.isArray(prices) ? prices.map((one) => one.prices) : [prices]))
    expect(tables.filter((table) => 'input_mtok' in table || 'output_mtok' in table)).toEqual([])
    expect(missing.length).toBeLessThan(250)
  })

  it('changes with the length of the input, for all tokens of the call', () => {
    const pricing = createCataloguePricing({
      input_mtok: { base: 3, tiers: [{ start: 200_000, price: 6 }] },
      output_mtok: { base: 15, tiers: [{ start: 200_000, price: 22.5 }] },
    })?.pricing
    const usage = { cachedInput: 0, cacheWriteInput: 0, output: 1000, reasoning: 0 }
    expect(pricing?.({ ...usage, input: 200_000 })).toBe(200_000 * 3000 + 1000 * 15_000)
    expect(pricing?.({ ...usage, input: 200_001 })).toBe(200_001 * 6000 + 1000 * 22_500)
  })

  it('changes with the time of day, also over midnight and in another time zone', () => {
    const night = { type: 'time_of_date', start_time: '23:00:00+01:00', end_time: '02:00:00Z' } as const
    const pricing = createCataloguePricing([
      { prices: { input_mtok: 2 } },
      { constraint: night, prices: { input_mtok: 1 } },
    ])?.pricing
    const usage = { input: 1, cachedInput: 0, cacheWriteInput: 0, output: 0, reasoning: 0 }
    const at = (time: string): number | undefined => pricing?.(usage, Date.parse(`2026-11-24T${time}Z`))
    expect(['21:59:59', '22:00:00', '01:59:59', '02:00:00'].map(at)).toEqual([2000, 1000, 1000, 2000])
  })

  it('is never negative if details exceed their whole', () => {
    const pricing = createCataloguePricing({
      input_mtok: 1,
      cache_read_mtok: 0.1,
      input_audio_mtok: 5,
      cache_audio_read_mtok: 0.5,
      output_mtok: 2,
    })?.pricing
    const usage = {
      input: 10,
      cachedInput: 20,
      cacheWriteInput: 0,
      output: 1,
      reasoning: 5,
      audioInput: 3,
      cachedAudioInput: 9,
    }
    expect(pricing?.(usage)).toBeGreaterThan(0)
  })

  it('takes less than a microsecond', () => {
    const prices = allProviders.flatMap(({ models }) =>
      models.flatMap((model) => createCataloguePricing(model.prices)?.pricing ?? []),
    )
    const [usage] = USAGES as [Usage]
    for (let round = 0; round < 50; round++) for (const pricing of prices) pricing(usage)
    const start = performance.now()
    for (let round = 0; round < 50; round++) for (const pricing of prices) pricing(usage)
    const microseconds = ((performance.now() - start) * 1000) / (50 * prices.length)
    // About 0.1 µs on an idle machine.
    expect(microseconds).toBeLessThan(1)
  })
})
