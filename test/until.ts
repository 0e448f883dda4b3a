/** Waits until a condition holds. @throws if it does not hold in time */
export async function until(condition: () => boolean, ms = 2000): Promise<void> {
  const end = performance.now() + ms
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not so after ${ms} ms: ${condition}`)
    await pause(2)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
