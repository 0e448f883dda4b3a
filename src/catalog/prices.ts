import { NO_USAGE, type Usage } from '../chat/usage.js'
import { bySpecificity, pattern } from '../lib/patterns.js'
import type { Provider } from '../providers/provider.js'
import { Catalogue } from './catalogue.js'
import { memo } from './memo.js'
import { NANOS_A_TOKEN, type Price, type Pricing, pricingOf } from './pricing.js'

/** What has a price: a target. */
export interface Priced {
  /** `provider/model`. */
  readonly name: string
  readonly model: string
  readonly upstream: { readonly provider: Pick<Provider, 'id' | 'catalogId'> }
}

/** What a target (`provider/model`) costs, by the host's word: a number is USD per million tokens, in and out alike. Asked once a target. */
export type PriceOf = (target: string) => Price | number | undefined

/** Where prices come from. */
export interface PriceSources {
  readonly priceOf?: PriceOf | undefined
  /** The config's: by target, by model, or by a pattern of either. */
  readonly prices: Readonly<Record<string, Price>>
  /** For what nobody knows. */
  readonly unpriced: Price
  readonly logger: Reporter
}

interface Reporter {
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** How many targets are remembered. */
const MOST_TARGETS = 1000
/** As much in as out, and short, so that no step for long inputs counts. */
const SAMPLE: Usage = { ...NO_USAGE, input: 1000, output: 1000 }
/** What the sample costs at a dollar a million tokens, for input and output together. */
const NANOS_OF_SAMPLE = 1_000_000

/** What targets cost: as the host's hook says, else the config, else the catalogue, else the config for what nobody knows. */
export class Prices {
  readonly #catalogue: Catalogue
  readonly #logger: Reporter
  readonly #own: (target: Priced) => Pricing | undefined
  readonly #listed: (target: Priced) => Pricing | undefined
  readonly #guess: (target: Priced) => Pricing
  #loading: Promise<void> | undefined
  #isMissing = false

  constructor(sources: PriceSources, catalogue: Catalogue = new Catalogue()) {
    this.#catalogue = catalogue
    this.#logger = sources.logger
    this.#own = memo(MOST_TARGETS, nameOf, ownPrices(sources))
    this.#listed = memo(MOST_TARGETS, nameOf, ({ model, upstream: { provider } }) => {
      return catalogue.find(provider.catalogId ?? provider.id, model)?.pricing
    })
    this.#guess = memo(MOST_TARGETS, nameOf, guess(sources))
  }

  /** Undefined when the prices of these targets are at hand, else resolves when they are. */
  ready(targets: readonly Priced[]): Promise<void> | undefined {
    if (this.#isSettled || targets.every(this.#own)) return undefined
    this.#loading ??= this.#load()
    return this.#loading
  }

  /** What a target costs; undefined where nobody knows, or while the catalogue is not {@link ready}. */
  of(target: Priced): Pricing | undefined {
    return this.#own(target) ?? (this.#catalogue.isLoaded ? this.#listed(target) : undefined)
  }

  /** What a target costs, where need be as the config says for what nobody knows: that is told in the log. */
  assumed(target: Priced): Pricing {
    return this.of(target) ?? this.#guess(target)
  }

  /** USD per million tokens, input and output together, for putting targets in order; undefined while nobody knows. */
  ordering(target: Priced): number | undefined {
    const pricing = this.of(target)
    return pricing && pricing(SAMPLE) / NANOS_OF_SAMPLE
  }

  /** Loads the catalogue, if it can be loaded. */
  async open(): Promise<void> {
    if (this.#isSettled) return
    this.#loading ??= this.#load()
    await this.#loading
  }

  /** The models that the catalogue has of a provider; none before it is {@link open}. */
  names({ catalogId, id }: Priced['upstream']['provider']): readonly string[] {
    return this.#catalogue.isLoaded ? this.#catalogue.names(catalogId ?? id) : []
  }

  /** A model's window, in tokens; undefined where nobody knows. */
  contextWindow({ model, upstream: { provider } }: Priced): number | undefined {
    return this.#catalogue.isLoaded
      ? this.#catalogue.find(provider.catalogId ?? provider.id, model)?.contextWindow
      : undefined
  }

  /** USD per million tokens of a short request; undefined where nobody knows. */
  perMillion(target: Priced): { readonly input: number; readonly output: number } | undefined {
    const pricing = this.of(target)
    if (!pricing) return undefined
    const input = pricing({ ...NO_USAGE, input: SAMPLE.input }) / SAMPLE.input / NANOS_A_TOKEN
    return {
      input: tidy(input),
      output: tidy(pricing({ ...NO_USAGE, output: SAMPLE.output }) / SAMPLE.output / NANOS_A_TOKEN),
    }
  }

  get #isSettled(): boolean {
    return this.#catalogue.isLoaded || this.#isMissing
  }

  async #load(): Promise<void> {
    try {
      await this.#catalogue.load()
    } catch (error) {
      this.#isMissing = true
      this.#logger.error({ error }, 'the catalogue of prices cannot be loaded: only what `prices` says is known')
    }
  }
}

/** Without the dust of fractions. */
function tidy(usd: number): number {
  return Number(usd.toPrecision(12))
}

function nameOf({ name }: Priced): string {
  return name
}

/** The prices of the host and of the config. */
function ownPrices({ priceOf, prices, logger }: PriceSources): (target: Priced) => Pricing | undefined {
  const exact = new Map(Object.entries(prices))
  const patterns = [...exact.keys()]
    .filter((text) => text.includes('*'))
    .sort(bySpecificity)
    .map(pattern)
  const ask: PriceOf = (name) => {
    try {
      return priceOf?.(name)
    } catch (error) {
      logger.error({ target: name, error }, '`priceOf` failed: it is passed over')
      return undefined
    }
  }
  return ({ name, model }) => {
    const said = ask(name)
    const price = typeof said === 'number' ? { input: said, output: said } : said
    if (price && isPrice(price)) return pricingOf(price)
    if (price) logger.warn({ target: name, price }, '`priceOf` gave what is no price: it is passed over')
    const fitting = patterns.find(({ match }) => match(name) ?? match(model))
    const found = exact.get(name) ?? exact.get(model) ?? (fitting && exact.get(fitting.text))
    return found && pricingOf(found)
  }
}

function isPrice({ input, cachedInput = 0, cacheWriteInput = 0, output }: Price): boolean {
  return [input, cachedInput, cacheWriteInput, output].every((each) => Number.isFinite(each) && each >= 0)
}

/** The price of what nobody knows, told when it is first used: it is a guess, and money depends on it. */
function guess({ unpriced, logger }: PriceSources): (target: Priced) => Pricing {
  const pricing = pricingOf(unpriced)
  return ({ name }) => {
    const { input, output } = unpriced
    logger.warn(
      { target: name, input, output },
      `no price is known for ${name}: it counts as \`unpriced\`. Say what it costs in the config: prices: { '${name}': { input, output } }, in USD per million tokens`,
    )
    return pricing
  }
}
