import type { MatchLogic, ModelInfo, Provider } from '@pydantic/genai-prices'
import { type CataloguePrices, createCataloguePricing } from './catalogue-pricing.js'
import { memoize } from './memoize.js'
import type { Pricing } from './pricing.js'

/** What a model can do beyond text, as far as its prices show. A missing capability means "unknown". */
export type Capability = 'audio-input' | 'audio-output' | 'image-output' | 'prompt-cache' | 'web-search'

/** What the catalogue knows about a model. */
export interface ModelFacts {
  /** The catalogue's id. Dated names of a model have the same id. */
  readonly id: string
  /** Name for people. */
  readonly title: string | undefined
  /** In tokens. */
  readonly contextWindow: number | undefined
  /** Whether the provider has stopped serving the model, or soon will. */
  readonly isDeprecated: boolean
  /** Undefined if the price is unknown. */
  readonly pricing: Pricing | undefined
  /** USD per million tokens of a short input, at the time of the first lookup. */
  readonly inputPrice: number | undefined
  /** USD per million output tokens after a short input, at the time of the first lookup. */
  readonly outputPrice: number | undefined
  readonly capabilities: ReadonlySet<Capability>
}

type PricePackage = Pick<typeof import('@pydantic/genai-prices'), 'calcPrice' | 'findProvider'>

interface CatalogueModel {
  readonly model: ModelInfo
  readonly provider: Provider
}

/** How many names the catalogue remembers, known and unknown ones. */
const MAX_NAMES = 2000
const FREE: Pricing = () => 0

/** A model with this price has this capability. */
const CAPABILITY_PRICES: readonly (readonly [price: string, capability: Capability])[] = [
  ['input_audio_mtok', 'audio-input'],
  ['output_audio_mtok', 'audio-output'],
  ['output_image_mtok', 'image-output'],
  ['cache_read_mtok', 'prompt-cache'],
  ['web_searches_kcount', 'web-search'],
]

/** The models and prices of @pydantic/genai-prices. The package is large, so it is loaded when it is first needed. */
export class Catalogue {
  #loading: Promise<void> | undefined
  #loaded: LoadedCatalogue | undefined

  /** Until then, the other members throw. */
  get isLoaded(): boolean {
    return this.#loaded !== undefined
  }

  load(): Promise<void> {
    this.#loading ??= loadPackage().then((loaded) => {
      this.#loaded = loaded
    })
    return this.#loading
  }

  /** How many models the catalogue has, at all providers together. */
  get size(): number {
    return this.#requireLoaded.size
  }

  /**
   * Finds a model at a provider by its name there, by a dated name, or by a path (`models/gemini-2.5-flash`). At a
   * provider that is not in the catalogue, it finds the models of their makers, by the maker's own name (with or
   * without a date) and without a path. Such a provider may also be the user's own server, which serves open models
   * at a price of its own.
   */
  find(catalogId: string, model: string): ModelFacts | undefined {
    return this.#requireLoaded.find(`${catalogId}/${model}`)
  }

  /** The names of all models that a provider serves, without deprecated ones. */
  modelNames(catalogId: string): readonly string[] {
    return this.#requireLoaded.modelNames(catalogId)
  }

  get #requireLoaded(): LoadedCatalogue {
    if (!this.#loaded) throw new Error('the catalogue is not loaded')
    return this.#loaded
  }
}

interface LoadedCatalogue {
  readonly size: number
  /** @param key `catalogId/model` */
  readonly find: (key: string) => ModelFacts | undefined
  readonly modelNames: (catalogId: string) => readonly string[]
}

async function loadPackage(): Promise<LoadedCatalogue> {
  const data = await import('@pydantic/genai-prices')
  const providerList = (await data.waitForUpdate()) ?? []
  const providers = new Map(providerList.map((provider) => [provider.id, provider]))
  return {
    size: providerList.reduce((sum, { models }) => sum + models.length, 0),
    find: memoize(MAX_NAMES, identity, (key) => {
      const slash = key.indexOf('/')
      const [catalogId, name] = [key.slice(0, slash), key.slice(slash + 1)]
      const found = providers.has(catalogId) ? findAtProvider(data, catalogId, name) : findAtMaker(data, name)
      return found && toModelFacts(found.model)
    }),
    modelNames: memoize(providerList.length, identity, (catalogId) => {
      const provider = providers.get(catalogId)
      return provider ? callableNames(data, provider) : []
    }),
  }
}

function identity(key: string): string {
  return key
}

/** The package does not export its matching. But the result of a calculation has the model that it matched. */
function findAtProvider(data: PricePackage, providerId: string, name: string): CatalogueModel | undefined {
  const found = data.calcPrice({}, name, { providerId })
  if (found) return found
  const nameWithoutPath = name.replace(/^.*\bmodels\//, '')
  return nameWithoutPath === name ? undefined : (data.calcPrice({}, nameWithoutPath, { providerId }) ?? undefined)
}

function findAtMaker(data: PricePackage, name: string): CatalogueModel | undefined {
  const maker = data.findProvider({ modelId: name.toLowerCase() })
  const found = maker && data.calcPrice({}, name, { providerId: maker.id })
  return found && isSameModel(name.toLowerCase(), found.model.id.toLowerCase()) ? found : undefined
}

/** Suffixes of a name that do not make it another model: `-2024-08-06`, `@20250929`, `-0613`, `-preview-09-2025`. */
const VERSION = /^(?:[-@](?:latest|preview|20\d{6}|20\d\d-\d\d-\d\d|\d\d-20\d\d|\d{4}))*$/

function isSameModel(one: string, other: string): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one]
  return long.startsWith(short) && VERSION.test(long.slice(short.length))
}

function toModelFacts({ id, name, context_window, deprecated = false, prices }: ModelInfo): ModelFacts {
  const cataloguePricing = createCataloguePricing(prices)
  const rates = cataloguePricing?.ratesAt(Date.now())
  // The package has no price both for free models and for unknown prices. Only the names of free models end in `:free`.
  const isFree = id.endsWith(':free') && !cataloguePricing
  return {
    id,
    title: name,
    contextWindow: context_window,
    isDeprecated: deprecated,
    pricing: isFree ? FREE : cataloguePricing?.pricing,
    inputPrice: isFree ? 0 : rates?.input,
    outputPrice: isFree ? 0 : rates?.output,
    capabilities: capabilitiesOf(prices),
  }
}

function capabilitiesOf(prices: CataloguePrices): ReadonlySet<Capability> {
  const tables = Array.isArray(prices) ? prices.map((timed) => timed.prices) : [prices]
  const matching = CAPABILITY_PRICES.filter(([price]) => tables.some((table) => table[price] !== undefined))
  return new Set(matching.map(([, capability]) => capability))
}

/** The package invents some ids. So a name counts only if the package finds the same model by it. */
function callableNames(data: PricePackage, provider: Provider): readonly string[] {
  const names = provider.models.flatMap((model) => {
    if (model.deprecated) return []
    // A provider with only this model, because a search among hundreds of models is slow.
    const smallProvider = { ...provider, models: [model], fallback_model_providers: [] }
    const candidates = [model.id, ...exactNames(model.match)]
    return candidates.find((name) => data.calcPrice({}, name, { provider: smallProvider })) ?? []
  })
  return [...new Set(names)]
}

function exactNames(match: MatchLogic): readonly string[] {
  if ('equals' in match) return [match.equals]
  return 'or' in match ? match.or.flatMap(exactNames) : []
}
