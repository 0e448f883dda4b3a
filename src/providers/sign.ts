/** `authorization: Bearer …`, as most providers want it. */
export function bearer(apiKey: string): readonly string[] {
  return ['authorization', `Bearer ${apiKey}`]
}
