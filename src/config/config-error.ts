import type { z } from 'zod'
import { formatPath } from '../lib/format-path.js'

/** One mistake in a config. */
export interface ConfigFault {
  /** Where it is, for example `providers.claude.baseURL`. Empty if it concerns the whole config. */
  readonly path: string
  /** What is wrong there. */
  readonly message: string
}

/** Thrown for a config that the relay cannot use. Its message has one readable line for each fault. */
export class ConfigError extends Error {
  /** Every mistake, not only the first. */
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    super(faults.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('\n'))
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/** Turns an issue of zod into faults. For a union, it reports the variant that the user meant. */
export function toConfigFaults(issue: z.core.$ZodIssue, parentPath: readonly PropertyKey[] = []): ConfigFault[] {
  const path = [...parentPath, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => ({
      path: formatPath([...path, name]),
      message: 'unknown option: check the spelling or remove it',
    }))
  }
  if (issue.code === 'invalid_union') {
    // The user meant the variant in which zod came deepest before it failed.
    const [closest] = issue.errors.toSorted((a, b) => maxDepth(b) - maxDepth(a))
    const isMeant = closest?.[0] && (maxDepth(closest) > 0 || closest[0].code !== 'invalid_type')
    if (isMeant) return closest.flatMap((nested) => toConfigFaults(nested, path))
  }
  if (issue.code === 'invalid_key') return issue.issues.flatMap((nested) => toConfigFaults(nested, path))
  return [{ path: formatPath(path), message: issue.message }]
}

function maxDepth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map(({ path, code }) => path.length + (code === 'unrecognized_keys' ? 1 : 0)))
}

/** Messages in plain words for the issues whose schema has no message of its own. */
export const configErrorMap: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type': {
      const expected = `expected ${nameOfType(issue.expected)}`
      return issue.input === undefined ? `is missing: ${expected}` : `${expected}, received ${nameOfValue(issue.input)}`
    }
    case 'invalid_value':
      return `expected one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`
    case 'invalid_union': {
      const types = issue.errors?.flatMap(([first]) => (first?.code === 'invalid_type' ? [first.expected] : [])) ?? []
      return types.length > 0 ? `expected ${oneOf([...new Set(types)].map(nameOfType))}` : undefined
    }
    case 'too_small':
      if (issue.exact) return `must have exactly ${count(issue.minimum, issue.origin)}`
      if (issue.origin === 'number') return `must be ${issue.inclusive ? 'at least' : 'greater than'} ${issue.minimum}`
      return `must have at least ${count(issue.minimum, issue.origin)}`
    case 'too_big':
      if (issue.exact) return `must have exactly ${count(issue.maximum, issue.origin)}`
      if (issue.origin === 'number') return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`
      return `must have at most ${count(issue.maximum, issue.origin)}`
    default:
      return undefined
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a string',
}

function nameOfType(type: string): string {
  return TYPE_NAMES[type] ?? type
}

function nameOfValue(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return nameOfType(typeof value)
}

function oneOf(names: readonly string[]): string {
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${names.at(-1)}` : `${names[0]}`
}

function count(length: number | bigint, origin: string): string {
  const unit = origin === 'string' ? 'character' : 'item'
  return `${length} ${unit}${Number(length) === 1 ? '' : 's'}`
}
