/** Reasoning efforts, in rising order. */
export const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const

export type Effort = (typeof efforts)[number]

/**
 * Reasoning budgets in tokens, for protocols that count them. No provider publishes such a table: this one is the
 * relay's own, and the documentation shows it.
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

/** The effort with the largest budget that does not exceed this one. */
export function effortOf(budget: number): Effort {
  const affordable = efforts.filter((effort) => budgets[effort] <= budget)
  return affordable.at(-1) ?? 'none'
}

/** Those of a protocol's efforts that a model's list names; all of them without a list. */
export function supportedEfforts(
  names: readonly string[] | undefined,
  all: readonly Effort[] = efforts,
): readonly Effort[] {
  const named = all.filter((effort) => names?.includes(effort))
  return named.length > 0 ? named : all
}

/** The nearest supported effort: a lower one first, since more reasoning costs more. */
export function nearestEffort(wanted: Effort, supported: readonly Effort[]): Effort {
  const rank = efforts.indexOf(wanted)
  const sorted = [...supported].sort((a, b) => efforts.indexOf(a) - efforts.indexOf(b))
  const lower = sorted.filter((effort) => efforts.indexOf(effort) <= rank && (effort !== 'none' || wanted === 'none'))
  return lower.at(-1) ?? sorted.find((effort) => effort !== 'none') ?? wanted
}
