import type { Losses } from './losses.js'
import type { Reasoning } from './request.js'

/** How hard a model should think, in rising order. */
export const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const

export type Effort = (typeof efforts)[number]

/**
 * Tokens to think with, for languages that count them, and back. No provider publishes such a table: this one is ours,
 * and the README shows it.
 */
export const budgets: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 32_768,
  max: 65_536,
}

/** The step that a budget comes nearest to from below: what was paid for is not exceeded. */
export function effortOf(budget: number): Effort {
  const reached = efforts.filter((effort) => budgets[effort] <= budget)
  return reached.at(-1) ?? 'none'
}

/** Whether the model is asked to think. */
export function asksToReason({ effort, budget = 0 }: Reasoning): boolean {
  return effort === undefined ? budget !== 0 : effort !== 'none'
}

/** The step that is asked for; undefined where that is left to the model. */
export function wantedEffort({ effort, budget = -1 }: Reasoning = {}): Effort | undefined {
  return effort ?? (budget < 0 ? undefined : effortOf(budget))
}

/** Of a language's steps those that a place names; all of them where it names none. */
export function stepsOf(names: readonly string[] | undefined, all: readonly Effort[] = efforts): readonly Effort[] {
  const named = all.filter((effort) => names?.includes(effort))
  return named.length > 0 ? named : all
}

/** The step that is sent for the one that is wanted. Another is told of. */
export function takenEffort(wanted: Effort, taken: readonly Effort[], losses: Losses): Effort {
  const effort = nearestEffort(wanted, taken)
  const why = wanted === 'none' ? 'this model always reasons' : `this model has no ${wanted}`
  if (effort !== wanted) losses.setting('reasoning', `is ${effort}: ${why}`)
  return effort
}

/** Tells that a model does not reason, if it was asked to. */
export function declareUnreasoned(reasoning: Reasoning, losses: Losses): void {
  if (asksToReason(reasoning)) losses.setting('reasoning', 'is not taken by this model')
}

/** The nearest step that is taken: downward first, since more thinking costs more, else upward. */
export function nearestEffort(wanted: Effort, taken: readonly Effort[]): Effort {
  const rank = efforts.indexOf(wanted)
  const sorted = [...taken].sort((a, b) => efforts.indexOf(a) - efforts.indexOf(b))
  const below = sorted.filter((effort) => efforts.indexOf(effort) <= rank && (effort !== 'none' || wanted === 'none'))
  return below.at(-1) ?? sorted.find((effort) => effort !== 'none') ?? wanted
}
