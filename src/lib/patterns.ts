/** A name in which each `*` stands for any run of characters, also none. */
export interface Pattern {
  readonly text: string
  /** What each `*` stood for, or undefined if the name does not fit. */
  match(name: string): readonly string[] | undefined
}

/** The pattern that a text spells. Without a star it fits itself alone. */
/** No real name is longer; what fits a wildcard is kept, told in headers, and matched with a backtracking expression. */
const MAX_NAME_LENGTH = 256

export function pattern(text: string): Pattern {
  const parts = text.split('*')
  if (parts.length === 1) return { text, match: (name) => (name === text ? [] : undefined) }
  const expression = new RegExp(`^${parts.map(escapeRegExp).join('(.*)')}$`, 's')
  return { text, match: (name) => (name.length > MAX_NAME_LENGTH ? undefined : expression.exec(name)?.slice(1)) }
}

/** More specific patterns first: those with more characters of their own. */
export function bySpecificity(a: string, b: string): number {
  return b.replaceAll('*', '').length - a.replaceAll('*', '').length
}

/** The text with its stars replaced, in turn, by what they stand for. */
export function fillWildcards(text: string, stars: readonly string[]): string {
  let turn = 0
  return text.replaceAll('*', () => stars[turn++] ?? '')
}

/** Tells whether a name fits one of a list of patterns; exact names are looked up, not searched. */
export function nameMatcher(texts: readonly string[]): (name: string) => boolean {
  const exact = new Set(texts)
  const wild = texts.filter((text) => text.includes('*')).map(pattern)
  return (name) => exact.has(name) || wild.some((one) => one.match(name) !== undefined)
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.+?()[\]{}|/-]/g, '\\$&')
}
