/** Tokens as the upstream counted them. Optional parts are left out where there are none. */
export interface Usage extends Partial<Readonly<Record<UsagePart, number>>> {
  /** All input, cached or not. */
  readonly input: number
  /** Part of the input that was read from the prompt cache. */
  readonly cachedInput: number
  /** Part of the input that was written to the prompt cache. */
  readonly cacheWriteInput: number
  /** All output, including reasoning. */
  readonly output: number
  /** Part of the output that was reasoning. */
  readonly reasoning: number
}

/**
 * Parts with a price of their own, which only some upstreams report. `cacheWriteLongInput`: part of `cacheWriteInput`
 * that is kept for an hour. `audioInput`, `imageInput`: parts of `input`. `cachedAudioInput`: part of `audioInput` and
 * `cachedInput`. `audioOutput`, `imageOutput`: parts of `output`. `webSearches` counts searches, not tokens.
 */
export type UsagePart =
  | 'cacheWriteLongInput'
  | 'audioInput'
  | 'imageInput'
  | 'cachedAudioInput'
  | 'audioOutput'
  | 'imageOutput'
  | 'webSearches'

/** A token count of an upstream. Anything but a positive number counts as 0. */
export function count(value: unknown): number {
  return typeof value === 'number' && value > 0 && value <= Number.MAX_SAFE_INTEGER ? value : 0
}

/** The parts of a usage that an upstream reports, without those that are 0. */
export function countParts(
  reported: Readonly<Partial<Record<UsagePart, unknown>>>,
): Partial<Record<UsagePart, number>> {
  const parts: Partial<Record<UsagePart, number>> = {}
  for (const part of Object.keys(reported) as UsagePart[]) {
    const counted = count(reported[part])
    if (counted > 0) parts[part] = counted
  }
  return parts
}

export const NO_USAGE: Usage = { input: 0, cachedInput: 0, cacheWriteInput: 0, output: 0, reasoning: 0 }

/** The usage of several requests together. Undefined where one of them is unknown. */
export function sumOf(usages: readonly (Usage | undefined)[]): Usage | undefined {
  let sum: Usage = NO_USAGE
  for (const usage of usages) {
    if (!usage) return undefined
    const parts = Object.entries(usage).map(([part, tokens]) => [part, (sum[part as keyof Usage] ?? 0) + tokens])
    sum = { ...sum, ...Object.fromEntries(parts) }
  }
  return sum
}
