import type { MatchLogic, ModelInfo, Provider } from '@pydantic/genai-prices'
import { compile, type Prices } from './compile.js'
import { memo } from './memo.js'
import type { Pricing } from './pricing.js'

/** What a model can do beyond text, as far as its prices tell. That one is not told says nothing. */
export type Capability = 'audio-input' | 'audio-output' | 'image-output' | 'prompt-cache' | 'web-search'

/** What is known of a model. */
export interface ModelFacts {
  /** As the catalogue has it: dated names have one entry. */
  readonly id: string
  /** For people. */
  readonly title: string | undefined
  /** In tokens. */
  readonly contextWindow: number | undefined
  /** Its place is about to stop serving it, or has. */
  readonly isDeprecated: boolean
  /** What its tokens cost; undefined where nobody knows. */
  readonly pricing: Pricing | undefined
  /** USD per million tokens of a short input, when it was first looked up. */
  readonly inputPrice: number | undefined
  /** The same of its output. */
  readonly outputPrice: number | undefined
  readonly capabilities: ReadonlySet<Capability>
}

type Package = Pick<typeof import('@pydantic/genai-prices'), 'calcPrice' | 'findProvider'>

interface Found {
  readonly model: ModelInfo
  readonly provider: Provider
}

/** How many names are remembered, known ones and others. */
const MOST_NAMES = 2000
const FREE: Pricing = () => 0

/** The price that tells of it. */
const TELLING: readonly (readonly [price: string, capability: Capability])[] = [
  ['input_audio_mtok', 'audio-input'],
  ['output_audio_mtok', 'audio-output'],
  ['output_image_mtok', 'image-output'],
  ['cache_read_mtok', 'prompt-cache'],
  ['web_searches_kcount', 'web-search'],
]

/** What @pydantic/genai-prices knows of models. It is large, and loaded when it is first wanted. */
export class Catalogue {
  #loading: Promise<void> | undefined
  #loaded: Loaded | undefined

  /** Once it is loaded, everything else may be asked. */
  get isLoaded(): boolean {
    return this.#loaded !== undefined
  }

  load(): Promise<void> {
    this.#loading ??= load().then((loaded) => {
      this.#loaded = loaded
    })
    return this.#loading
  }

  /** How many models it has, at all places. */
  get size(): number {
    return this.#whenLoaded.size
  }

  /**
   * A model at a place, by its exact name there, a dated one, or its path (`models/gemini-2.5-flash`). A place that the
   * catalogue does not have is taken to resell models of their makers: its names must then be a maker's own, but for a
   * date, and tell no path. What a server of one's own asks for an open model, nobody knows but its owner.
   */
  find(catalogId: string, model: string): ModelFacts | undefined {
    return this.#whenLoaded.find(`${catalogId}/${model}`)
  }

  /** The models of a place that can be called by these names, but for deprecated ones. */
  names(catalogId: string): readonly string[] {
    return this.#whenLoaded.names(catalogId)
  }

  get #whenLoaded(): Loaded {
    if (!this.#loaded) throw new Error('the catalogue is not loaded')
    return this.#loaded
  }
}

interface Loaded {
  readonly size: number
  readonly find: (key: string) => ModelFacts | undefined
  readonly names: (catalogId: string) => readonly string[]
}

async function load(): Promise<Loaded> {
  const data = await import('@pydantic/genai-prices')
  const all = (await data.waitForUpdate()) ?? []
  const places = new Map(all.map((provider) => [provider.id, provider]))
  return {
    size: all.reduce((sum, { models }) => sum + models.length, 0),
    find: memo(MOST_NAMES, itself, (key) => {
      const slash = key.indexOf('/')
      const [catalogId, model] = [key.slice(0, slash), key.slice(slash + 1)]
      const found = places.has(catalogId) ? findAt(data, catalogId, model) : findAnywhere(data, model)
      return found && factsOf(found.model)
    }),
    names: memo(all.length, itself, (catalogId) => {
      const provider = places.get(catalogId)
      return provider ? namesOf(data, provider) : []
    }),
  }
}

function itself(key: string): string {
  return key
}

/** The package's own matching is not exported; a calculation tells what it has matched. */
function findAt(data: Package, providerId: string, model: string): Found | undefined {
  const found = data.calcPrice({}, model, { providerId })
  if (found) return found
  const bare = model.replace(/^.*\bmodels\//, '')
  return bare === model ? undefined : (data.calcPrice({}, bare, { providerId }) ?? undefined)
}

function findAnywhere(data: Package, model: string): Found | undefined {
  const maker = data.findProvider({ modelId: model.toLowerCase() })
  const found = maker && data.calcPrice({}, model, { providerId: maker.id })
  return found && isSameModel(model.toLowerCase(), found.model.id.toLowerCase()) ? found : undefined
}

/** What may follow a model's name without making it another: `-2024-08-06`, `@20250929`, `-0613`, `-preview-09-2025`. */
const VERSION = /^(?:[-@](?:latest|preview|20\d{6}|20\d\d-\d\d-\d\d|\d\d-20\d\d|\d{4}))*$/

function isSameModel(one: string, other: string): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one]
  return long.startsWith(short) && VERSION.test(long.slice(short.length))
}

function factsOf({ id, name, context_window, deprecated = false, prices }: ModelInfo): ModelFacts {
  const compiled = compile(prices)
  const rates = compiled?.ratesAt(Date.now())
  // The catalogue writes no price both for what is free and for what it does not know. One of them is told by its name.
  const isFree = id.endsWith(':free') && !compiled
  return {
    id,
    title: name,
    contextWindow: context_window,
    isDeprecated: deprecated,
    pricing: isFree ? FREE : compiled?.pricing,
    inputPrice: isFree ? 0 : rates?.input,
    outputPrice: isFree ? 0 : rates?.output,
    capabilities: capabilitiesOf(prices),
  }
}

function capabilitiesOf(prices: Prices): ReadonlySet<Capability> {
  const tables = Array.isArray(prices) ? prices.map((timed) => timed.prices) : [prices]
  const told = TELLING.filter(([price]) => tables.some((table) => table[price] !== undefined))
  return new Set(told.map(([, capability]) => capability))
}

/** Some ids are the package's own invention: a name counts when it leads back to its model. */
function namesOf(data: Package, provider: Provider): readonly string[] {
  const names = provider.models.flatMap((model) => {
    if (model.deprecated) return []
    // Asked of a place with this model alone: among hundreds of others each question would take its time.
    const place = { ...provider, models: [model], fallback_model_providers: [] }
    return [model.id, ...exactNames(model.match)].find((name) => data.calcPrice({}, name, { provider: place })) ?? []
  })
  return [...new Set(names)]
}

function exactNames(match: MatchLogic): readonly string[] {
  if ('equals' in match) return [match.equals]
  return 'or' in match ? match.or.flatMap(exactNames) : []
}
