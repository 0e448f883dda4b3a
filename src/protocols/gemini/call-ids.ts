/** Makes an id for a call without one. */
export function inventId(within: string, count: number): string {
  return `call_${within}_${count}`
}

/** Whether an id was made by {@link inventId}: Gemini never saw it, and joins such calls and results by name and order. */
export function isInvented(id: string): boolean {
  return /^call_\w+_\d+$/.test(id)
}
