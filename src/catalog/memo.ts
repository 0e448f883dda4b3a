/** Remembers what a function gave, by a key; of so many the oldest go first. Callers choose names, so none grows for ever. */
export function memo<Subject, Made>(
  most: number,
  keyOf: (subject: Subject) => string,
  make: (subject: Subject) => Made,
): (subject: Subject) => Made {
  const made = new Map<string, { readonly value: Made }>()
  return (subject) => {
    const key = keyOf(subject)
    const known = made.get(key)
    if (known) return known.value
    const fresh = { value: make(subject) }
    const oldest = made.size < most ? undefined : made.keys().next().value
    if (oldest !== undefined) made.delete(oldest)
    made.set(key, fresh)
    return fresh.value
  }
}
