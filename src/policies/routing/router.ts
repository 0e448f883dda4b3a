import type { Config, Strategy } from '../../config/config.js'
import { RelayError } from '../../errors.js'
import { hashText } from '../../lib/hash.js'
import { bySpecificity, fill } from '../../lib/patterns.js'
import type { Channel, Target, Upstream } from '../../targets.js'
import { DiscoveredModels } from './discovered-models.js'
import { defaultRules, type ModelRule, type RouteTarget, readRules, ruleTo } from './model-rules.js'

/** Where a public model name goes. */
export interface RoutePlan {
  /** The row of `models` that decided it, as it is written there. */
  readonly rule: string
  readonly strategy: Strategy
  readonly targets: readonly Target[]
  readonly onContextTooLong: readonly Target[]
  readonly onContentFilter: readonly Target[]
}

/** Every target that a call may come to. */
export function allTargets({ targets, onContextTooLong, onContentFilter }: RoutePlan): readonly Target[] {
  if (onContextTooLong.length + onContentFilter.length === 0) return targets
  return [...targets, ...onContextTooLong, ...onContentFilter]
}

/** The same plan without the targets that cannot be asked for what a call wants. */
export function filterTargets(plan: RoutePlan, suits: (target: Target) => boolean): RoutePlan {
  const { targets, onContextTooLong, onContentFilter } = plan
  // What the cache knows of a plan it knows by the plan itself.
  if (allTargets(plan).every(suits)) return plan
  return {
    ...plan,
    targets: targets.filter(suits),
    onContextTooLong: onContextTooLong.filter(suits),
    onContentFilter: onContentFilter.filter(suits),
  }
}

/** The first target of a name. */
export type FirstTarget = Pick<Target, 'name' | 'upstream' | 'model'>

/** So many names are remembered with their plan; where routes have wildcards, callers choose the names. */
const MOST_PLANS = 10_000

/** Turns public model names into plans. A name's plan is made once, and its targets remember how they fare. */
export class Router {
  readonly #exact = new Map<string, ModelRule>()
  readonly #wild: ModelRule[] = []
  readonly #plans = new Map<string, RoutePlan>()
  readonly #upstreams: ReadonlyMap<string, Upstream>
  readonly #discovered: DiscoveredModels
  /** `models` was left out: every name that a provider has may be asked for. */
  readonly #isOpen: boolean

  /** @throws {ConfigError} for a target that no provider or other model name stands for */
  constructor(models: Config['models'], upstreams: ReadonlyMap<string, Upstream>) {
    this.#upstreams = upstreams
    this.#discovered = new DiscoveredModels(upstreams.values())
    this.#isOpen = models === undefined
    const rules = models ? readRules(models, upstreams) : defaultRules(upstreams)
    for (const rule of rules) {
      if (rule.pattern.text.includes('*')) this.#wild.push(rule)
      else this.#exact.set(rule.pattern.text, rule)
    }
    this.#wild.sort((a, b) => bySpecificity(a.pattern.text, b.pattern.text))
  }

  /** Names without stars: what can be listed. */
  get names(): string[] {
    return [...this.#exact.keys()]
  }

  /**
   * What a provider has, by its own word. A name alone then goes there too, if it meant nothing before: no list takes away
   * what another provider is known for.
   */
  addDiscovered(upstream: Upstream, names: readonly string[]): void {
    for (const name of this.#discovered.add(upstream, names)) this.#plans.delete(name)
  }

  /** Of the models that providers have said, or are known, to have, the names under which they can be asked for here. */
  namesOf(modelsOf: (upstream: Upstream) => readonly string[]): string[] {
    return [...this.#upstreams.values()].flatMap((upstream) =>
      (this.#discovered.namesOf(upstream) ?? modelsOf(upstream)).flatMap((model) => {
        const leads = (name: string): boolean => {
          const first = this.firstTarget(name)
          return first?.upstream === upstream && first.model === model
        }
        return [model, `${upstream.id}/${model}`].find(leads) ?? []
      }),
    )
  }

  /** Every row, as written, for showing. */
  get rules(): string[] {
    return [...this.#exact.keys(), ...this.#wild.map(({ pattern }) => pattern.text)]
  }

  find(model: string): RoutePlan | undefined {
    const known = this.#plans.get(model)
    if (known) return known
    const rule = this.#ruleOf(model)
    if (!rule) return undefined
    if (this.#plans.size >= MOST_PLANS) this.#plans.clear()
    const plan = planFor(rule, model)
    this.#plans.set(model, plan)
    return plan
  }

  /** Where a name leads first, for showing: a list of thousands makes no plans, and drives none out. */
  firstTarget(name: string): FirstTarget | undefined {
    const rule = this.#ruleOf(name)
    const to = rule?.targets[0]?.to
    if (!rule || !to) return undefined
    const model = nameThere(to, name, rule.pattern.match(name) ?? [])
    return { name: `${to.upstream.id}/${model}`, upstream: to.upstream, model }
  }

  #ruleOf(name: string): ModelRule | undefined {
    return this.#exact.get(name) ?? this.#wild.find(({ pattern }) => pattern.match(name)) ?? this.#learntRule(name)
  }

  #learntRule(name: string): ModelRule | undefined {
    const owner = this.#isOpen ? this.#discovered.ownerOf(name) : undefined
    return owner && ruleTo(owner, name, name)
  }
}

/** The plan for a caller. @throws {RelayError} `model_not_found`, in the same words whether it is unknown or not for this caller */
export function route(router: Router, model: string, allowed: boolean): RoutePlan {
  const plan = allowed ? router.find(model) : undefined
  if (plan) return plan
  const shown = model.length > 100 ? `${model.slice(0, 100)}…` : model
  throw new RelayError('model_not_found', `The model \`${shown}\` does not exist or you do not have access to it.`, {
    param: 'model',
  })
}

function planFor(rule: ModelRule, model: string): RoutePlan {
  const stars = rule.pattern.match(model) ?? []
  const target = (to: RouteTarget, weight = 1): Target => targetOf(to, nameThere(to, model, stars), weight)
  return {
    rule: rule.pattern.text,
    strategy: rule.strategy,
    targets: rule.targets.map(({ to, weight }) => target(to, weight)),
    onContextTooLong: rule.onContextTooLong.map((to) => target(to)),
    onContentFilter: rule.onContentFilter.map((to) => target(to)),
  }
}

function targetOf({ upstream }: RouteTarget, model: string, weight: number): Target {
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
  for (const place of upstream.baseUrls) {
    for (const credential of upstream.credentials) channels.push({ target, credential, baseUrl: place })
  }
  return target
}

/** `provider/model` is known as `model` at that provider. */
function nameThere({ upstream, model }: RouteTarget, publicName: string, stars: readonly string[]): string {
  if (model !== undefined) return fill(model, stars)
  const prefix = `${upstream.id}/`
  return publicName.startsWith(prefix) ? publicName.slice(prefix.length) : publicName
}
