import { describe, expect, it } from 'vitest'
import { Catalogue } from '../../src/catalog/catalogue.js'
import { type Priced, type PriceSources, Prices } from '../../src/catalog/prices.js'
import { pricingOf } from '../../src/catalog/pricing.js'

const USAGE = { input: 1000, cachedInput: 600, cacheWriteInput: 300, output: 10, reasoning: 5 }
const UNPRICED = { input: 5, output: 25 }

function target(name: string, catalogId?: string): Priced {
  const [id = '', model = ''] = [name.slice(0, name.indexOf('/')), name.slice(name.indexOf('/') + 1)]
  return { name, model, upstream: { provider: catalogId === undefined ? { id } : { id, catalogId } } }
}

function make(sources: Partial<PriceSources>, catalogue?: Catalogue): { prices: Prices; told: string[] } {
  const told: string[] = []
  const logger = {
    warn: (_details: object, message: string) => void told.push(message),
    error: (_details: object, message: string) => void told.push(message),
  }
  return { prices: new Prices({ prices: {}, unpriced: UNPRICED, logger, ...sources }, catalogue), told }
}

describe("a user's price", () => {
  it('counts what the cache read and took in at its own price, or as other input', () => {
    expect(pricingOf({ input: 2, output: 10 })(USAGE)).toBe(1000 * 2000 + 10 * 10_000)
    const own = pricingOf({ input: 2, cachedInput: 0.2, cacheWriteInput: 2.5, output: 10 })
    expect(own(USAGE)).toBe(100 * 2000 + 600 * 200 + 300 * 2500 + 10 * 10_000)
  })

  it('may be nothing, and keeps fractions of a nano-dollar', () => {
    expect(pricingOf({ input: 0, output: 0 })(USAGE)).toBe(0)
    expect(pricingOf({ input: 0.0001, output: 0 })({ ...USAGE, input: 1, cachedInput: 0, cacheWriteInput: 0 })).toBe(
      0.1,
    )
  })

  it('is never negative for details that exceed the whole', () => {
    expect(pricingOf({ input: 2, cachedInput: 1, output: 0 })({ ...USAGE, input: 10 })).toBe(900 * 1000 + 300 * 1000)
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
  ])('of %s is the most specific that is given', (name, input) => {
    const priceOf = (asked: string): number | undefined => (asked === 'hooked/sonnet' ? 9 : undefined)
    const { prices: book } = make({ prices, priceOf })
    expect(book.ready([target(name)])).toBeUndefined()
    expect(book.of(target(name))?.({ ...USAGE, output: 0, input: 900 })).toBe(900 * input * 1000)
  })

  it("is the host's, as a number or an object, asked once", () => {
    let asked = 0
    const { prices: book } = make({ priceOf: () => ({ input: ++asked, output: 3 }) })
    expect(book.ordering(target('acme/one'))).toBe(4)
    expect(book.ordering(target('acme/one'))).toBe(4)
    expect(make({ priceOf: () => 7 }).prices.ordering(target('acme/one'))).toBe(14)
  })

  it('is not what a host gives that is no price', () => {
    const { prices: book, told } = make({ priceOf: () => Number.NaN, prices: { one: price(3) } })
    expect(book.ordering(target('acme/one'))).toBe(3)
    expect(told).toEqual(['`priceOf` gave what is no price: it is passed over'])
  })

  it("is the catalogue's once that is loaded", async () => {
    const { prices: book, told } = make({ prices: { mine: price(3) } })
    const [mine, theirs] = [target('openai/mine'), target('gemini/gemini-2.5-flash', 'google')]
    expect(book.ready([mine])).toBeUndefined()
    expect(book.of(theirs)).toBeUndefined()
    expect(book.ordering(theirs)).toBeUndefined()
    expect(book.ready([mine, theirs])).toBeInstanceOf(Promise)
    await book.ready([mine, theirs])
    expect(book.ready([mine, theirs])).toBeUndefined()
    expect(book.ordering(theirs)).toBeCloseTo(2.8, 9)
    expect(book.of(theirs)).toBe(book.of(theirs))
    expect(told).toEqual([])
  })

  it('is assumed where nobody knows it, which is told once', async () => {
    const { prices: book, told } = make({})
    await book.ready([target('acme/nobody')])
    expect(book.of(target('acme/nobody'))).toBeUndefined()
    expect(book.ordering(target('acme/nobody'))).toBeUndefined()
    expect(book.assumed(target('acme/nobody'))(USAGE)).toBe(1000 * 5000 + 10 * 25_000)
    book.assumed(target('acme/nobody'))
    expect(told).toEqual([expect.stringContaining("prices: { 'acme/nobody': { input, output } }")])
  })

  it('does not need the catalogue', async () => {
    const broken = new Catalogue()
    broken.load = () => Promise.reject(new Error('gone'))
    const { prices: book, told } = make({}, broken)
    await Promise.all([book.ready([target('openai/gpt-5')]), book.ready([target('openai/gpt-5')])])
    expect(book.ready([target('openai/gpt-5')])).toBeUndefined()
    expect(book.of(target('openai/gpt-5'))).toBeUndefined()
    expect(book.assumed(target('openai/gpt-5'))(USAGE)).toBe(5_250_000)
    expect(told).toHaveLength(2)
  })
})
