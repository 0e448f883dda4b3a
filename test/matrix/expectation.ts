import type { Setting } from '../../src/chat/request.js'
import { protocolOf } from '../../src/protocols/index.js'
import { openaiChat } from '../../src/protocols/openai-chat/index.js'
import { type Case, type Differing, rowsFor } from './cases.js'
import type { Language } from './languages.js'

/** A meaning as it must arrive over one pair of languages: the case's own, but for what it declares. */
export function expected(
  meaning: unknown,
  of: Case,
  from: Language,
  to: Language,
  way: Differing['in'][number],
): unknown {
  const rows = rowsFor(of.differs, from, to).filter((row) => row.in.includes(way))
  const changed = structuredClone(meaning)
  // From the end, so that what goes does not move what is named after it.
  for (const row of [...rows].reverse()) change(changed, row.at.split('.'), row.is)
  return changed
}

function change(value: unknown, [name = '', ...further]: readonly string[], is: unknown): void {
  const object = value as Record<string, unknown>
  if (further.length > 0) return change(object[name], further, is)
  if (is !== undefined) object[name] = is
  else if (Array.isArray(value)) value.splice(Number(name), 1)
  else delete object[name]
}

export interface Declared {
  readonly request: readonly string[]
  readonly answer: readonly string[]
  readonly stream: readonly string[]
}

/** The paths that are told as lost over one pair. */
export function lostOver(of: Case, from: Language, to: Language): Declared {
  const rows = rowsFor(of.losses, from, to)
  return {
    request: rows.flatMap(({ request = [] }) => request.map((path) => spelled(path, from))).sort(),
    answer: rows.flatMap(({ answer = [] }) => answer).sort(),
    stream: rows.flatMap(({ answer = [], stream = answer }) => stream).sort(),
  }
}

/** A path as its caller is told it: cases call settings as Chat Completions does. */
export function spelled(path: string, from: Language): string {
  const [setting] = Object.entries(openaiChat.settingNames).find(([, name]) => name === path) ?? []
  return setting === undefined ? path : (protocolOf(from).settingNames[setting as Setting] ?? setting)
}

/** A meaning with the signatures of another, in their order: those of the upstream that answered. */
export function signedAs(meaning: unknown, other: unknown): unknown {
  const values = signaturesIn(other)
  const sign = (name: string, value: unknown): unknown => (name === 'signature' ? (values.shift() ?? value) : value)
  return JSON.parse(JSON.stringify(meaning), sign)
}

function signaturesIn(meaning: unknown): unknown[] {
  const values: unknown[] = []
  JSON.parse(JSON.stringify(meaning), (name: string, value: unknown) => {
    if (name === 'signature') values.push(value)
    return value
  })
  return values
}
