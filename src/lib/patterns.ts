/** A name in which each `*` matches any characters, or none. */
export interface Pattern {
  readonly text: string
  /** Returns what each `*` matches. Undefined if the name does not match. */
  match(name: string): readonly string[] | undefined
}

/** No real name is longer. Names that match a wildcard are stored and sent in headers, and matching them may backtrack. */
const MAX_NAME_LENGTH = 256

/** Parses a pattern. Without `*` it matches only its own text. */
export function pattern(text: string): Pattern {
  const parts = text.split('*')
  if (parts.length === 1) return { text, match: (name) => (name === text ? [] : undefined) }
  const expression = new RegExp(`^${parts.map(escapeRegExp).join('(.*)')}$`, 's')
  return { text, match: (name) => (name.length > MAX_NAME_LENGTH ? undefined : expression.exec(name)?.slice(1)) }
}

/** Sorts patterns with more literal characters first. */
export function bySpecificity(a: string, b: string): number {
  return b.replaceAll('*', '').length - a.replaceAll('*', '').length
}

/** Replaces each `*` of a text, in order, by what it matched. */
export function fillWildcards(text: string, stars: readonly string[]): string {
  let index = 0
  return text.replaceAll('*', () => stars[index++] ?? '')
}

/** Creates a function that tells whether a name matches one of the patterns. Looks names without `*` up in a Set. */
export function nameMatcher(texts: readonly string[]): (name: string) => boolean {
  const exact = new Set(texts)
  const wild = texts.filter((text) => text.includes('*')).map(pattern)
  return (name) => exact.has(name) || wild.some((item) => item.match(name) !== undefined)
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.+?()[\]{}|/-]/g, '\\$&')
}
