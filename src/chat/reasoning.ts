import { type Effort, effortOf, nearestEffort } from './effort.js'
import type { Losses } from './losses.js'
import type { Reasoning } from './request.js'

/** Whether a request asks the model to reason. */
export function asksToReason({ effort, budget = 0 }: Reasoning): boolean {
  return effort === undefined ? budget !== 0 : effort !== 'none'
}

/** The requested effort; undefined where the request leaves it to the model. */
export function requestedEffort({ effort, budget = -1 }: Reasoning = {}): Effort | undefined {
  return effort ?? (budget < 0 ? undefined : effortOf(budget))
}

/** The supported effort to send. Records a loss if it is another than the wanted one. */
export function chooseEffort(wanted: Effort, supported: readonly Effort[], losses: Losses): Effort {
  const effort = nearestEffort(wanted, supported)
  const why = wanted === 'none' ? 'this model always reasons' : `this model has no ${wanted}`
  if (effort !== wanted) losses.setting('reasoning', `is ${effort}: ${why}`)
  return effort
}

/** Records a loss where a request asks a model to reason that cannot. */
export function recordNoReasoning(reasoning: Reasoning, losses: Losses): void {
  if (asksToReason(reasoning)) losses.setting('reasoning', 'is not supported by this model')
}
