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

/** The nearest step that is taken: downward first, since more thinking costs more, else upward. */
export function nearestEffort(wanted: Effort, taken: readonly Effort[]): Effort {
  const rank = efforts.indexOf(wanted)
  const sorted = [...taken].sort((a, b) => efforts.indexOf(a) - efforts.indexOf(b))
  const below = sorted.filter((effort) => efforts.indexOf(effort) <= rank && (effort !== 'none' || wanted === 'none'))
  return below.at(-1) ?? sorted.find((effort) => effort !== 'none') ?? wanted
}
