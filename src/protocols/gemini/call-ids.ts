/** Makes an id for a call without one. `within`: id of the answer, or `turn` in a request. `count`: number of the call in it. */
export function inventId(within: string, count: number): string {
  return `call_${within}_${count}`
}

/** Whether {@link inventId} made an id. Gemini does not know it, and pairs such calls and results by name and order. */
export function isInvented(id: string): boolean {
  return /^call_\w+_\d+$/.test(id)
}
