/** An error's code, as Node and undici give theirs (`ECONNRESET`); empty if it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
