/** Tokens that the upstream counted. What is optional is left out where none were. */
export interface Usage extends Partial<Readonly<Record<UsagePart, number>>> {
  /** All that the model read, cached or not. */
  readonly input: number
  /** Of it, read from the prompt cache. */
  readonly cachedInput: number
  /** Of it, written to the prompt cache. */
  readonly cacheWriteInput: number
  /** All that the model wrote, its reasoning included. */
  readonly output: number
  /** Of it, reasoning. */
  readonly reasoning: number
}

/**
 * What only some upstreams tell apart, because it has a price of its own: of `cacheWriteInput`, what is kept for an hour;
 * of `input`, sound, and images where others are drawn from them; of sound and of `cachedInput`, sound from the cache; of
 * `output`, sound and images. Searches of the web are no tokens: they cost by piece.
 */
export type UsagePart =
  | 'cacheWriteLongInput'
  | 'audioInput'
  | 'imageInput'
  | 'cachedAudioInput'
  | 'audioOutput'
  | 'imageOutput'
  | 'webSearches'

/** A count of tokens as an upstream gave it: what is no positive number counts as none. */
export function count(value: unknown): number {
  return typeof value === 'number' && value > 0 && value <= Number.MAX_SAFE_INTEGER ? value : 0
}

/** Those parts of a usage of which there were any, from what an upstream gave for them. */
export function countParts(told: Readonly<Partial<Record<UsagePart, unknown>>>): Partial<Record<UsagePart, number>> {
  const parts: Partial<Record<UsagePart, number>> = {}
  for (const part of Object.keys(told) as UsagePart[]) {
    const counted = count(told[part])
    if (counted > 0) parts[part] = counted
  }
  return parts
}

/** That nothing was read or written. */
export const NO_USAGE: Usage = { input: 0, cachedInput: 0, cacheWriteInput: 0, output: 0, reasoning: 0 }

/** That of several requests together; undefined where one of them is not told. */
export function sumOf(usages: readonly (Usage | undefined)[]): Usage | undefined {
  let sum: Usage = NO_USAGE
  for (const usage of usages) {
    if (!usage) return undefined
    const parts = Object.entries(usage).map(([part, tokens]) => [part, (sum[part as keyof Usage] ?? 0) + tokens])
    sum = { ...sum, ...Object.fromEntries(parts) }
  }
  return sum
}
