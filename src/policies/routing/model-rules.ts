import type { Config, Strategy } from '../../config/config.js'
import { ConfigError, type ConfigFault } from '../../config/config-error.js'
import { type Pattern, pattern } from '../../lib/patterns.js'
import type { Upstream } from '../../targets.js'

/** One row of `models`, before a name fills its stars. */
export interface ModelRule {
  readonly pattern: Pattern
  readonly strategy: Strategy
  readonly targets: readonly { readonly to: RouteTarget; readonly weight: number }[]
  readonly onContextTooLong: readonly RouteTarget[]
  readonly onContentFilter: readonly RouteTarget[]
}

/** A place, and perhaps a model there. */
export interface RouteTarget {
  readonly upstream: Upstream
  /** The model there, perhaps with stars; undefined for the same name. */
  readonly model: string | undefined
}

type ModelsConfig = NonNullable<Config['models']>
type RouteConfig = Exclude<ModelsConfig[string], string | string[]>

/** Without `models`: every model by the name its provider is known for, and any `provider/model`. */
export function defaultRules(upstreams: ReadonlyMap<string, Upstream>): ModelRule[] {
  return [...upstreams.values()].flatMap((upstream) =>
    [...upstream.provider.models, `${upstream.id}/*`].map((text) => ruleTo(upstream, text)),
  )
}

/** `model`: its name there; left out for the same one. */
export function ruleTo(upstream: Upstream, text: string, model?: string): ModelRule {
  return {
    pattern: pattern(text),
    strategy: 'priority',
    targets: [{ to: { upstream, model }, weight: 1 }],
    onContextTooLong: [],
    onContentFilter: [],
  }
}

/** Those of a config. @throws {ConfigError} for a target that no provider or other model name stands for */
export function readRules(models: ModelsConfig, upstreams: ReadonlyMap<string, Upstream>): ModelRule[] {
  const faults: ConfigFault[] = []
  const rules = Object.entries(models).map(([name, written]): ModelRule => {
    const path = `models.${name}`
    const { strategy, targets, onContextTooLong = [], onContentFilter = [] } = routeOf(written)
    const all = (texts: readonly string[], field: string): RouteTarget[] =>
      texts.flatMap((text) => destinations(text, { models, upstreams, seen: [name], faults, path: `${path}${field}` }))
    return {
      pattern: pattern(name),
      strategy,
      targets: targets.flatMap((one) => {
        const { target, weight } = typeof one === 'string' ? { target: one, weight: 1 } : one
        return all([target], '').map((to) => ({ to, weight }))
      }),
      onContextTooLong: all(onContextTooLong, '.onContextTooLong'),
      onContentFilter: all(onContentFilter, '.onContentFilter'),
    }
  })
  if (faults.length > 0) throw new ConfigError(faults)
  return rules
}

function routeOf(written: ModelsConfig[string]): RouteConfig {
  if (typeof written === 'string') return { strategy: 'priority', targets: [written] }
  return Array.isArray(written) ? { strategy: 'priority', targets: written } : written
}

interface Reading {
  readonly models: ModelsConfig
  readonly upstreams: ReadonlyMap<string, Upstream>
  /** Names that led here: an alias may not lead back to itself. */
  readonly seen: readonly string[]
  readonly faults: ConfigFault[]
  readonly path: string
}

/** What a target's text stands for: `provider`, `provider/model`, or another name of `models` and all its targets. */
function destinations(text: string, reading: Reading): RouteTarget[] {
  const { models, upstreams, seen, faults, path } = reading
  const whole = upstreams.get(text)
  if (whole) return [{ upstream: whole, model: undefined }]
  const slash = text.indexOf('/')
  const upstream = slash > 0 ? upstreams.get(text.slice(0, slash)) : undefined
  if (upstream) return [{ upstream, model: text.slice(slash + 1) }]
  const alias = Object.hasOwn(models, text) ? models[text] : undefined
  if (alias === undefined || seen.includes(text)) {
    faults.push({
      path,
      message: alias ? `"${text}" leads back to itself` : `"${text}" names no provider and no other model`,
    })
    return []
  }
  return routeOf(alias).targets.flatMap((one) =>
    destinations(typeof one === 'string' ? one : one.target, { ...reading, seen: [...seen, text] }),
  )
}
