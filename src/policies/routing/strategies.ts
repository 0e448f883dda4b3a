import { createHash } from 'node:crypto'
import type { Strategy } from '../../config/config.js'
import type { Target } from '../../targets.js'

/** What a strategy may look at besides the targets. */
export interface StrategyInputs {
  /** Same value, same target, under `sticky`. */
  readonly affinity: string
  /** USD per million tokens, or undefined if nobody knows. */
  readonly priceOf: (target: Target) => number | undefined
}

/** The targets that are left: at least one. */
type Targets = readonly [Target, ...Target[]]
type Choose = (targets: Targets, choosing: StrategyInputs) => Target

/** Which of the targets that are left goes first. Each looks at every target once at most, and makes no list. */
export const strategies: Readonly<Record<Strategy, Choose>> = {
  priority: ([first]) => first,
  weighted,
  fastest: (targets) => least(targets, ({ firstOutputMs }) => firstOutputMs),
  cheapest: (targets, { priceOf }) => least(targets, (target) => priceOf(target) ?? Number.POSITIVE_INFINITY),
  'least-busy': (targets) => least(targets, ({ busy, weight }) => busy / weight),
  sticky: (targets, { affinity }) => least(targets, ({ name, weight }) => distance(affinity, name) / weight),
}

function weighted(targets: Targets): Target {
  let all = 0
  for (const { weight } of targets) all += weight
  let left = Math.random() * all
  for (const target of targets) {
    left -= target.weight
    if (left < 0) return target
  }
  return targets[0]
}

function least(targets: Targets, measure: (target: Target) => number): Target {
  let best = targets[0]
  let lowest = Number.POSITIVE_INFINITY
  for (const target of targets) {
    const measured = measure(target)
    if (measured >= lowest) continue
    best = target
    lowest = measured
  }
  return best
}

/** Rendezvous hashing: when a target comes or goes, only the callers that were on it move. */
function distance(affinity: string, name: string): number {
  const hash = createHash('sha256').update(affinity).update('\0').update(name).digest()
  return -Math.log((hash.readUInt32BE() + 1) / 2 ** 32)
}
