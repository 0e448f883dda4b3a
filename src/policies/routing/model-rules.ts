import type { Config, Strategy } from '../../config/config.js'
import { ConfigError, type ConfigFault } from '../../config/config-error.js'
import { type Pattern, pattern } from '../../lib/patterns.js'
import type { Upstream } from '../../targets.js'

/** One row of `models`: a public name, possibly with wildcards, and its targets. */
export interface ModelRule {
  readonly pattern: Pattern
  readonly strategy: Strategy
  readonly targets: readonly { readonly to: RouteTarget; readonly weight: number }[]
  readonly onContextTooLong: readonly RouteTarget[]
  readonly onContentFilter: readonly RouteTarget[]
}

/** An upstream, and possibly a model there. */
export interface RouteTarget {
  readonly upstream: Upstream
  /** The model's name at the upstream, possibly with wildcards. Undefined: the public name. */
  readonly model: string | undefined
}

type ModelsConfig = NonNullable<Config['models']>
type RouteConfig = Exclude<ModelsConfig[string], string | string[]>

/** The rules without `models` in the config: each provider's known model names, and `provider/model` for any model. */
export function defaultRules(upstreams: ReadonlyMap<string, Upstream>): ModelRule[] {
  return [...upstreams.values()].flatMap((upstream) =>
    [...upstream.provider.models, `${upstream.id}/*`].map((name) => ruleTo(upstream, name)),
  )
}

/** A rule that leads a public name to one upstream. `model`: its name there; left out: the public name. */
export function ruleTo(upstream: Upstream, name: string, model?: string): ModelRule {
  return {
    pattern: pattern(name),
    strategy: 'priority',
    targets: [{ to: { upstream, model }, weight: 1 }],
    onContextTooLong: [],
    onContentFilter: [],
  }
}

/** The rules of the config's `models`. @throws {ConfigError} for a target that names no provider and no other model */
export function readRules(models: ModelsConfig, upstreams: ReadonlyMap<string, Upstream>): ModelRule[] {
  const faults: ConfigFault[] = []
  const rules = Object.entries(models).map(([name, written]): ModelRule => {
    const path = `models.${name}`
    const { strategy, targets, onContextTooLong = [], onContentFilter = [] } = routeOf(written)
    const resolve = (target: string, field = ''): RouteTarget[] =>
      resolveTarget(target, { models, upstreams, aliases: [name], faults, path: `${path}${field}` })
    return {
      pattern: pattern(name),
      strategy,
      targets: targets.flatMap((written) => {
        const { target, weight } = typeof written === 'string' ? { target: written, weight: 1 } : written
        return resolve(target).map((to) => ({ to, weight }))
      }),
      onContextTooLong: onContextTooLong.flatMap((target) => resolve(target, '.onContextTooLong')),
      onContentFilter: onContentFilter.flatMap((target) => resolve(target, '.onContentFilter')),
    }
  })
  if (faults.length > 0) throw new ConfigError(faults)
  return rules
}

function routeOf(written: ModelsConfig[string]): RouteConfig {
  if (typeof written === 'string') return { strategy: 'priority', targets: [written] }
  return Array.isArray(written) ? { strategy: 'priority', targets: written } : written
}

interface ResolveOptions {
  readonly models: ModelsConfig
  readonly upstreams: ReadonlyMap<string, Upstream>
  /** The names that led here: an alias must not lead back to itself. */
  readonly aliases: readonly string[]
  /** Collects what is wrong. */
  readonly faults: ConfigFault[]
  readonly path: string
}

/** Resolves `provider`, `provider/model`, or the name of another row to all targets of that row. */
function resolveTarget(text: string, options: ResolveOptions): RouteTarget[] {
  const { models, upstreams, aliases, faults, path } = options
  const whole = upstreams.get(text)
  if (whole) return [{ upstream: whole, model: undefined }]
  const slash = text.indexOf('/')
  const upstream = slash > 0 ? upstreams.get(text.slice(0, slash)) : undefined
  if (upstream) return [{ upstream, model: text.slice(slash + 1) }]
  const alias = Object.hasOwn(models, text) ? models[text] : undefined
  if (alias === undefined || aliases.includes(text)) {
    faults.push({
      path,
      message: alias ? `"${text}" leads back to itself` : `"${text}" names no provider and no other model`,
    })
    return []
  }
  return routeOf(alias).targets.flatMap((written) =>
    resolveTarget(typeof written === 'string' ? written : written.target, { ...options, aliases: [...aliases, text] }),
  )
}
