import { describe, expect, it } from 'vitest'
import { Catalogue } from '../../src/catalog/catalogue.js'
import { type PricedTarget, type PriceSources, Prices } from '../../src/catalog/prices.js'
import { createPricing } from '../../src/catalog/pricing.js'

const USAGE = { input: 1000, cachedInput: 600, cacheWriteInput: 300, output: 10, reasoning: 5 }
const UNPRICED = { input: 5, output: 25 }

function target(name: string, catalogId?: string): PricedTarget {
  const [id = '', model = ''] = [name.slice(0, name.indexOf('/')), name.slice(name.indexOf('/') + 1)]
  return { name, model, upstream: { provider: catalogId === undefined ? { id } : { id, catalogId } } }
}

function createPrices(sources: Partial<PriceSources>, catalogue?: Catalogue): { prices: Prices; messages: string[] } {
  const messages: string[] = []
  const logger = {
    warn: (_details: object, message: string) => void messages.push(message),
    error: (_details: object, message: string) => void messages.push(message),
  }
  return { prices: new Prices({ prices: {}, unpriced: UNPRICED, logger, ...sources }, catalogue), messages }
}

describe("a user's price", () => {
  it('has its own price for cached input, or the price of other input', () => {
    expect(createPricing({ input: 2, output: 10 })(USAGE)).toBe(1000 * 2000 + 10 * 10_000)
    const detailed = createPricing({ input: 2, cachedInput: 0.2, cacheWriteInput: 2.5, output: 10 })
    expect(detailed(USAGE)).toBe(100 * 2000 + 600 * 200 + 300 * 2500 + 10 * 10_000)
  })

  it('may be zero, and keeps fractions of a nano-dollar', () => {
    expect(createPricing({ input: 0, output: 0 })(USAGE)).toBe(0)
    expect(
      createPricing({ input: 0.0001, output: 0 })({ ...USAGE, input: 1, cachedInput: 0, cacheWriteInput: 0 }),
    ).toBe(0.1)
  })

  it('is never negative if details exceed the whole', () => {
    expect(createPricing({ input: 2, cachedInput: 1, output: 0 })({ ...USAGE, input: 10 })).toBe(
      900 * 1000 + 300 * 1000,
    )
  })
})

describe('the price of a target', () => {
  const price = (input: number): { input: number; output: number } => ({ input, output: 0 })
  const prices = {
    'acme/sonnet': price(1),
    sonnet: price(2),
    'acme/son*': price(3),
    'so*': price(4),
    '*': price(5),
  }

  it.each([
    ['acme/sonnet', 1],
    ['other/sonnet', 2],
    ['acme/sonata', 3],
    ['other/sonata', 4],
    ['other/else', 5],
    ['hooked/sonnet', 9],
  ])('of %s is that of the most specific pattern', (name, input) => {
    const priceOf = (asked: string): number | undefined => (asked === 'hooked/sonnet' ? 9 : undefined)
    const { prices: book } = createPrices({ prices, priceOf })
    expect(book.ready([target(name)])).toBeUndefined()
    expect(book.pricingOf(target(name))?.({ ...USAGE, output: 0, input: 900 })).toBe(900 * input * 1000)
  })

  it("is the host's, as a number or an object, and the host is asked once", () => {
    let asked = 0
    const { prices: book } = createPrices({ priceOf: () => ({ input: ++asked, output: 3 }) })
    expect(book.priceForComparison(target('acme/one'))).toBe(4)
    expect(book.priceForComparison(target('acme/one'))).toBe(4)
    expect(createPrices({ priceOf: () => 7 }).prices.priceForComparison(target('acme/one'))).toBe(14)
  })

  it('ignores an invalid price of the host', () => {
    const { prices: book, messages } = createPrices({ priceOf: () => Number.NaN, prices: { one: price(3) } })
    expect(book.priceForComparison(target('acme/one'))).toBe(3)
    expect(messages).toEqual(['`priceOf` returned no valid price: the relay ignores it'])
  })

  it("is the catalogue's once it is loaded", async () => {
    const { prices: book, messages } = createPrices({ prices: { mine: price(3) } })
    const [mine, theirs] = [target('openai/mine'), target('gemini/gemini-2.5-flash', 'google')]
    expect(book.ready([mine])).toBeUndefined()
    expect(book.pricingOf(theirs)).toBeUndefined()
    expect(book.priceForComparison(theirs)).toBeUndefined()
    expect(book.ready([mine, theirs])).toBeInstanceOf(Promise)
    await book.ready([mine, theirs])
    expect(book.ready([mine, theirs])).toBeUndefined()
    expect(book.priceForComparison(theirs)).toBeCloseTo(2.8, 9)
    expect(book.pricingOf(theirs)).toBe(book.pricingOf(theirs))
    expect(messages).toEqual([])
  })

  it('is `unpriced` if no source has one, which is logged once', async () => {
    const { prices: book, messages } = createPrices({})
    await book.ready([target('acme/nobody')])
    expect(book.pricingOf(target('acme/nobody'))).toBeUndefined()
    expect(book.priceForComparison(target('acme/nobody'))).toBeUndefined()
    expect(book.assumedPricing(target('acme/nobody'))(USAGE)).toBe(1000 * 5000 + 10 * 25_000)
    book.assumedPricing(target('acme/nobody'))
    expect(messages).toEqual([expect.stringContaining("prices: { 'acme/nobody': { input, output } }")])
  })

  it('does not depend on the catalogue', async () => {
    const broken = new Catalogue()
    broken.load = () => Promise.reject(new Error('gone'))
    const { prices: book, messages } = createPrices({}, broken)
    await Promise.all([book.ready([target('openai/gpt-5')]), book.ready([target('openai/gpt-5')])])
    expect(book.ready([target('openai/gpt-5')])).toBeUndefined()
    expect(book.pricingOf(target('openai/gpt-5'))).toBeUndefined()
    expect(book.assumedPricing(target('openai/gpt-5'))(USAGE)).toBe(5_250_000)
    expect(messages).toHaveLength(2)
  })
})
