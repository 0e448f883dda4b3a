/**
 * Returns a function that remembers its results by a key. Clients choose the keys, so the memory is bounded: beyond
 * `maxEntries` it forgets the oldest result.
 */
export function memoize<Subject, Result>(
  maxEntries: number,
  keyOf: (subject: Subject) => string,
  compute: (subject: Subject) => Result,
): (subject: Subject) => Result {
  // Wrapped, because a result may be undefined.
  const results = new Map<string, { readonly value: Result }>()
  return (subject) => {
    const key = keyOf(subject)
    const known = results.get(key)
    if (known) return known.value
    const computed = { value: compute(subject) }
    const oldestKey = results.size < maxEntries ? undefined : results.keys().next().value
    if (oldestKey !== undefined) results.delete(oldestKey)
    results.set(key, computed)
    return computed.value
  }
}
