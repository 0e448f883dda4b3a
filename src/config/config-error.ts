import type { z } from 'zod'
import { spellPath } from '../lib/paths.js'

/** One thing wrong with a config, and where. */
export interface ConfigFault {
  /** `providers.claude.baseURL`; empty for the whole. */
  readonly path: string
  readonly message: string
}

/** A config that cannot be used. Its message holds one readable line for each fault. */
export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('\n'))
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/** What zod found wrong, in our words: of a union, the variant that was meant. */
export function faultsOf(issue: z.core.$ZodIssue, above: readonly PropertyKey[] = []): ConfigFault[] {
  const path = [...above, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => ({ path: spellPath([...path, name]), message: 'no such option' }))
  }
  if (issue.code === 'invalid_union') {
    // The variant that came furthest is the one that was meant.
    const meant = issue.errors.toSorted((a, b) => deepest(b) - deepest(a))[0]
    const isMeant = meant?.[0] && (deepest(meant) > 0 || meant[0].code !== 'invalid_type')
    if (isMeant) return meant.flatMap((inner) => faultsOf(inner, path))
  }
  if (issue.code === 'invalid_key') return issue.issues.flatMap((inner) => faultsOf(inner, path))
  return [{ path: spellPath(path), message: issue.message.replace(/^Invalid input: /, '') }]
}

function deepest(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map(({ path, code }) => path.length + (code === 'unrecognized_keys' ? 1 : 0)))
}
