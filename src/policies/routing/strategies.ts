import { createHash } from 'node:crypto'
import type { Strategy } from '../../config/config.js'
import type { Target } from '../../targets.js'

/** What a strategy may look at besides the targets. */
export interface StrategyInputs {
  /** Under `sticky`, the same value leads to the same target. */
  readonly affinity: string
  /** USD per million tokens; undefined where no price is known. */
  readonly priceOf: (target: Target) => number | undefined
}

type Targets = readonly [Target, ...Target[]]
type Choose = (targets: Targets, inputs: StrategyInputs) => Target

/** Each strategy chooses the next of the remaining targets. It looks at each target once and allocates nothing. */
export const strategies: Readonly<Record<Strategy, Choose>> = {
  priority: ([first]) => first,
  weighted: chooseByWeight,
  fastest: (targets) => lowest(targets, ({ firstOutputMs }) => firstOutputMs),
  cheapest: (targets, { priceOf }) => lowest(targets, (target) => priceOf(target) ?? Number.POSITIVE_INFINITY),
  'least-busy': (targets) => lowest(targets, ({ busy, weight }) => busy / weight),
  sticky: (targets, { affinity }) => lowest(targets, ({ name, weight }) => hashDistance(affinity, name) / weight),
}

function chooseByWeight(targets: Targets): Target {
  let total = 0
  for (const { weight } of targets) total += weight
  let remaining = Math.random() * total
  for (const target of targets) {
    remaining -= target.weight
    if (remaining < 0) return target
  }
  return targets[0]
}

function lowest(targets: Targets, measure: (target: Target) => number): Target {
  let best = targets[0]
  let lowestValue = Number.POSITIVE_INFINITY
  for (const target of targets) {
    const value = measure(target)
    if (value >= lowestValue) continue
    best = target
    lowestValue = value
  }
  return best
}

/** Weighted rendezvous hashing: when a target comes or goes, only its own callers move. */
function hashDistance(affinity: string, name: string): number {
  const digest = createHash('sha256').update(affinity).update('\0').update(name).digest()
  return -Math.log((digest.readUInt32BE() + 1) / 2 ** 32)
}
