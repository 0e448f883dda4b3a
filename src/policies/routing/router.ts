import type { Config, Strategy } from '../../config/config.js'
import { RelayError } from '../../errors.js'
import { hashText } from '../../lib/hash-text.js'
import { bySpecificity, fillWildcards } from '../../lib/patterns.js'
import type { Channel, Target, Upstream } from '../../targets.js'
import { DiscoveredModels } from './discovered-models.js'
import { defaultRules, type ModelRule, type RouteTarget, readRules, ruleTo } from './model-rules.js'

/** The targets of a public model name, in the order of the config. The strategy decides which is tried first. */
export interface RoutePlan {
  /** The name of the matching row of `models`. */
  readonly rule: string
  readonly strategy: Strategy
  readonly targets: readonly Target[]
  /** Targets after a context or filter error. */
  readonly onContextTooLong: readonly Target[]
  readonly onContentFilter: readonly Target[]
}

/** Every target that a call with this plan may reach. */
export function allTargets({ targets, onContextTooLong, onContentFilter }: RoutePlan): readonly Target[] {
  if (onContextTooLong.length + onContentFilter.length === 0) return targets
  return [...targets, ...onContextTooLong, ...onContentFilter]
}

/** The same plan with only those targets that can answer the call. */
export function filterTargets(plan: RoutePlan, accepts: (target: Target) => boolean): RoutePlan {
  // The same object where nothing is filtered out: the cache remembers plans by identity.
  if (allTargets(plan).every(accepts)) return plan
  const { targets, onContextTooLong, onContentFilter } = plan
  return {
    ...plan,
    targets: targets.filter(accepts),
    onContextTooLong: onContextTooLong.filter(accepts),
    onContentFilter: onContentFilter.filter(accepts),
  }
}

/** The first target of a name, as far as lists of models need it. */
export type FirstTarget = Pick<Target, 'name' | 'upstream' | 'model'>

/** Bounds memory: where routes have wildcards, callers choose the names. */
const MAX_PLANS = 10_000

/** Maps public model names to plans. Makes the plan of a name once, so its targets keep their load and latency. */
export class Router {
  readonly #exact = new Map<string, ModelRule>()
  readonly #wildcards: ModelRule[] = []
  readonly #plans = new Map<string, RoutePlan>()
  readonly #upstreams: ReadonlyMap<string, Upstream>
  readonly #discovered: DiscoveredModels
  /** The config has no `models`: every name that a provider lists may be used. */
  readonly #isOpen: boolean

  /** @throws {ConfigError} for a target that names no provider and no other model */
  constructor(models: Config['models'], upstreams: ReadonlyMap<string, Upstream>) {
    this.#upstreams = upstreams
    this.#discovered = new DiscoveredModels(upstreams.values())
    this.#isOpen = models === undefined
    const rules = models ? readRules(models, upstreams) : defaultRules(upstreams)
    for (const rule of rules) {
      if (rule.pattern.text.includes('*')) this.#wildcards.push(rule)
      else this.#exact.set(rule.pattern.text, rule)
    }
    this.#wildcards.sort((a, b) => bySpecificity(a.pattern.text, b.pattern.text))
  }

  /** Names without wildcards. */
  get names(): string[] {
    return [...this.#exact.keys()]
  }

  /** All names as the config has them: exact names first. */
  get rules(): string[] {
    return [...this.#exact.keys(), ...this.#wildcards.map(({ pattern }) => pattern.text)]
  }

  /** Adds the models that a provider lists. A name without the provider's prefix resolves to a listed model only if no rule matches it. */
  addDiscovered(upstream: Upstream, names: readonly string[]): void {
    for (const name of this.#discovered.add(upstream, names)) this.#plans.delete(name)
  }

  /** The public names of the providers' models: of their own lists, else of `modelsOf`. Leaves out models to which no name resolves. */
  namesOf(modelsOf: (upstream: Upstream) => readonly string[]): string[] {
    return [...this.#upstreams.values()].flatMap((upstream) =>
      (this.#discovered.namesOf(upstream) ?? modelsOf(upstream)).flatMap((model) => {
        const resolvesHere = (name: string): boolean => {
          const first = this.firstTarget(name)
          return first?.upstream === upstream && first.model === model
        }
        return [model, `${upstream.id}/${model}`].find(resolvesHere) ?? []
      }),
    )
  }

  find(model: string): RoutePlan | undefined {
    const known = this.#plans.get(model)
    if (known) return known
    const rule = this.#ruleFor(model)
    if (!rule) return undefined
    if (this.#plans.size >= MAX_PLANS) this.#plans.clear()
    const plan = createPlan(rule, model)
    this.#plans.set(model, plan)
    return plan
  }

  /** The first target of a name. Makes no plan: a list of thousands of models would evict the plans in use. */
  firstTarget(name: string): FirstTarget | undefined {
    const rule = this.#ruleFor(name)
    const to = rule?.targets[0]?.to
    if (!rule || !to) return undefined
    const model = modelAt(to, name, rule.pattern.match(name) ?? [])
    return { name: `${to.upstream.id}/${model}`, upstream: to.upstream, model }
  }

  #ruleFor(name: string): ModelRule | undefined {
    return (
      this.#exact.get(name) ?? this.#wildcards.find(({ pattern }) => pattern.match(name)) ?? this.#discoveredRule(name)
    )
  }

  #discoveredRule(name: string): ModelRule | undefined {
    const owner = this.#isOpen ? this.#discovered.ownerOf(name) : undefined
    return owner && ruleTo(owner, name, name)
  }
}

/** The plan for a caller. @throws {RelayError} `model_not_found`, with the same message for unknown and for forbidden models */
export function route(router: Router, model: string, isAllowed: boolean): RoutePlan {
  const plan = isAllowed ? router.find(model) : undefined
  if (plan) return plan
  const shown = model.length > 100 ? `${model.slice(0, 100)}…` : model
  throw new RelayError('model_not_found', `The model \`${shown}\` does not exist or you do not have access to it.`, {
    param: 'model',
  })
}

function createPlan(rule: ModelRule, model: string): RoutePlan {
  const wildcards = rule.pattern.match(model) ?? []
  const target = (to: RouteTarget, weight = 1): Target => createTarget(to, modelAt(to, model, wildcards), weight)
  return {
    rule: rule.pattern.text,
    strategy: rule.strategy,
    targets: rule.targets.map(({ to, weight }) => target(to, weight)),
    onContextTooLong: rule.onContextTooLong.map((to) => target(to)),
    onContentFilter: rule.onContentFilter.map((to) => target(to)),
  }
}

function createTarget({ upstream }: RouteTarget, model: string, weight: number): Target {
  const channels: Channel[] = []
  const name = `${upstream.id}/${model}`
  const target: Target = {
    name,
    upstream,
    model,
    signatureTag: hashText(name, 8),
    ...upstream.profileFor(model),
    weight,
    channels,
    busy: 0,
    firstOutputMs: 0,
  }
  for (const baseUrl of upstream.baseUrls) {
    for (const credential of upstream.credentials) channels.push({ target, credential, baseUrl })
  }
  return target
}

/** The model's name at the upstream. The public name `provider/model` is `model` at that provider. */
function modelAt({ upstream, model }: RouteTarget, publicName: string, wildcards: readonly string[]): string {
  if (model !== undefined) return fillWildcards(model, wildcards)
  const prefix = `${upstream.id}/`
  return publicName.startsWith(prefix) ? publicName.slice(prefix.length) : publicName
}
