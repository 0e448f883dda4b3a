/** Formats a path like `messages[2].content`. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = ''
  for (const key of path) text = appendKey(text, key)
  return text
}

/** Adds one key to such a path. */
export function appendKey(path: string, key: PropertyKey): string {
  if (typeof key === 'number') return `${path}[${key}]`
  return path ? `${path}.${String(key)}` : String(key)
}
