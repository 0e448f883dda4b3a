import { NO_USAGE, type Usage } from '../chat/usage.js'
import { bySpecificity, pattern } from '../lib/patterns.js'
import type { Provider } from '../providers/provider.js'
import { Catalogue } from './catalogue.js'
import { memoize } from './memoize.js'
import { createPricing, NANOS_PER_USD_PER_MILLION, type Price, type Pricing } from './pricing.js'

/** A target, as far as its price depends on it. */
export interface PricedTarget {
  /** `provider/model`. */
  readonly name: string
  readonly model: string
  readonly upstream: { readonly provider: Pick<Provider, 'id' | 'catalogId'> }
}

/**
 * Returns the price of a target (`provider/model`) in USD per million tokens: one number for input and output, or an
 * object. The relay calls it once for each target. `undefined` leaves the price to the config and the catalogue.
 */
export type PriceOf = (target: string) => Price | number | undefined

/** Where prices come from, besides the catalogue. */
export interface PriceSources {
  readonly priceOf?: PriceOf | undefined
  /** The config's prices by target, by model, or by a pattern of either. */
  readonly prices: Readonly<Record<string, Price>>
  /** The price to assume for models without a known price. */
  readonly unpriced: Price
  readonly logger: PriceLogger
}

interface PriceLogger {
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** How many targets are remembered. */
const MAX_TARGETS = 1000
/** Equal numbers of input and output tokens, and few, so that no tier for long inputs applies. */
const SAMPLE: Usage = { ...NO_USAGE, input: 1000, output: 1000 }
/** What the sample costs if input and output together cost one USD per million tokens. */
const SAMPLE_NANOS_PER_USD = 1_000_000

/** Finds the price of a target: from the host's `priceOf`, else the config, else the catalogue, else `unpriced`. */
export class Prices {
  readonly #catalogue: Catalogue
  readonly #logger: PriceLogger
  readonly #ownPricing: (target: PricedTarget) => Pricing | undefined
  readonly #cataloguePricing: (target: PricedTarget) => Pricing | undefined
  readonly #unpricedPricing: (target: PricedTarget) => Pricing
  #loading: Promise<void> | undefined
  #hasFailed = false

  constructor(sources: PriceSources, catalogue: Catalogue = new Catalogue()) {
    this.#catalogue = catalogue
    this.#logger = sources.logger
    this.#ownPricing = memoize(MAX_TARGETS, nameOf, ownPricing(sources))
    this.#cataloguePricing = memoize(MAX_TARGETS, nameOf, ({ model, upstream: { provider } }) => {
      return catalogue.find(provider.catalogId ?? provider.id, model)?.pricing
    })
    this.#unpricedPricing = memoize(MAX_TARGETS, nameOf, unpricedPricing(sources))
  }

  /** Loads the catalogue if these targets need it. Undefined if there is nothing to wait for. Never rejects. */
  ready(targets: readonly PricedTarget[]): Promise<void> | undefined {
    if (this.#isSettled || targets.every(this.#ownPricing)) return undefined
    this.#loading ??= this.#loadCatalogue()
    return this.#loading
  }

  /** The price of a target. Undefined if it is unknown, or if the catalogue is not loaded yet. */
  pricingOf(target: PricedTarget): Pricing | undefined {
    return this.#ownPricing(target) ?? (this.#catalogue.isLoaded ? this.#cataloguePricing(target) : undefined)
  }

  /** The price of a target. If it is unknown, the price in `unpriced`, which it logs once for each target. */
  assumedPricing(target: PricedTarget): Pricing {
    return this.pricingOf(target) ?? this.#unpricedPricing(target)
  }

  /**
   * USD per million input tokens plus USD per million output tokens, to compare targets. Undefined if the price
   * is unknown.
   */
  priceForComparison(target: PricedTarget): number | undefined {
    const pricing = this.pricingOf(target)
    return pricing && pricing(SAMPLE) / SAMPLE_NANOS_PER_USD
  }

  /** Loads the catalogue. If that fails, it logs the error and resolves. */
  async load(): Promise<void> {
    if (this.#isSettled) return
    this.#loading ??= this.#loadCatalogue()
    await this.#loading
  }

  /** The models of a provider in the catalogue. Empty before {@link load}. */
  modelNames({ catalogId, id }: PricedTarget['upstream']['provider']): readonly string[] {
    return this.#catalogue.isLoaded ? this.#catalogue.modelNames(catalogId ?? id) : []
  }

  /** The context window of a model, in tokens. Undefined if it is unknown. */
  contextWindow({ model, upstream: { provider } }: PricedTarget): number | undefined {
    return this.#catalogue.isLoaded
      ? this.#catalogue.find(provider.catalogId ?? provider.id, model)?.contextWindow
      : undefined
  }

  /** USD per million tokens of a short request. Undefined if it is unknown. */
  usdPerMillion(target: PricedTarget): { readonly input: number; readonly output: number } | undefined {
    const pricing = this.pricingOf(target)
    if (!pricing) return undefined
    const inputNanos = pricing({ ...NO_USAGE, input: SAMPLE.input })
    const outputNanos = pricing({ ...NO_USAGE, output: SAMPLE.output })
    return {
      input: withoutRoundingErrors(inputNanos / SAMPLE.input / NANOS_PER_USD_PER_MILLION),
      output: withoutRoundingErrors(outputNanos / SAMPLE.output / NANOS_PER_USD_PER_MILLION),
    }
  }

  get #isSettled(): boolean {
    return this.#catalogue.isLoaded || this.#hasFailed
  }

  async #loadCatalogue(): Promise<void> {
    try {
      await this.#catalogue.load()
    } catch (error) {
      this.#hasFailed = true
      this.#logger.error(
        { error },
        'the price catalogue cannot be loaded: only prices from `prices` and `priceOf` are known',
      )
    }
  }
}

function withoutRoundingErrors(usd: number): number {
  return Number(usd.toPrecision(12))
}

function nameOf({ name }: PricedTarget): string {
  return name
}

/** Finds the price of a target in the host's `priceOf`, else in the config. */
function ownPricing({ priceOf, prices, logger }: PriceSources): (target: PricedTarget) => Pricing | undefined {
  const pricesByName = new Map(Object.entries(prices))
  const patterns = [...pricesByName.keys()]
    .filter((text) => text.includes('*'))
    .sort(bySpecificity)
    .map(pattern)
  const askHost: PriceOf = (name) => {
    try {
      return priceOf?.(name)
    } catch (error) {
      logger.error({ target: name, error }, '`priceOf` failed: the relay ignores it for this target')
      return undefined
    }
  }
  return ({ name, model }) => {
    const hostPrice = askHost(name)
    const price = typeof hostPrice === 'number' ? { input: hostPrice, output: hostPrice } : hostPrice
    if (price && isPrice(price)) return createPricing(price)
    if (price) logger.warn({ target: name, price }, '`priceOf` returned no valid price: the relay ignores it')
    const matching = patterns.find(({ match }) => match(name) ?? match(model))
    const configured =
      pricesByName.get(name) ?? pricesByName.get(model) ?? (matching && pricesByName.get(matching.text))
    return configured && createPricing(configured)
  }
}

function isPrice({ input, cachedInput = 0, cacheWriteInput = 0, output }: Price): boolean {
  return [input, cachedInput, cacheWriteInput, output].every((each) => Number.isFinite(each) && each >= 0)
}

/** The price in `unpriced`. It logs its first use for each target, because money then depends on a guess. */
function unpricedPricing({ unpriced, logger }: PriceSources): (target: PricedTarget) => Pricing {
  const pricing = createPricing(unpriced)
  return ({ name }) => {
    const { input, output } = unpriced
    logger.warn(
      { target: name, input, output },
      `no price is known for ${name}: the relay uses \`unpriced\`. Set its price in the config: prices: { '${name}': { input, output } }, in USD per million tokens`,
    )
    return pricing
  }
}
