/** JSON text of a string. Some clients take these three, which JSON lets stand, for ends of lines. */
export function quote(text: string): string {
  const quoted = JSON.stringify(text)
  return SEPARATORS.test(quoted) ? quoted.replace(ALL_SEPARATORS, escaped) : quoted
}

const SEPARATORS = /[\u0085\u2028\u2029]/
const ALL_SEPARATORS = /[\u0085\u2028\u2029]/g

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
