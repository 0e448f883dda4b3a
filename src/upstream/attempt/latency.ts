import type { Target } from '../../targets.js'

/** How much the latest answer moves a target's average. */
const SMOOTHING = 0.2

/** A target has given its first output after so many ms. */
export function recordLatency(target: Target, ms: number): void {
  target.firstOutputMs += (target.firstOutputMs === 0 ? 1 : SMOOTHING) * (ms - target.firstOutputMs)
}
