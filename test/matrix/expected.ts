import type { Setting } from '../../src/chat/request.js'
import { protocolOf } from '../../src/protocols/index.js'
import { openaiChat } from '../../src/protocols/openai-chat/index.js'
import { type Case, type Difference, rowsFor } from './cases.js'
import type { ConversationProtocol } from './protocol-setups.js'

/** The meaning that must arrive after translation: the case's own, with its declared differences. */
export function expectedMeaning(
  meaning: unknown,
  testCase: Case,
  from: ConversationProtocol,
  to: ConversationProtocol,
  part: Difference['in'][number],
): unknown {
  const rows = rowsFor(testCase.differences, from, to).filter((row) => row.in.includes(part))
  const changed = structuredClone(meaning)
  // Backwards, so that removing an item does not move the items that other rows name.
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

export interface ExpectedLosses {
  readonly request: readonly string[]
  readonly answer: readonly string[]
  readonly stream: readonly string[]
}

/** The paths of all losses for one pair. */
export function expectedLosses(testCase: Case, from: ConversationProtocol, to: ConversationProtocol): ExpectedLosses {
  const rows = rowsFor(testCase.losses, from, to)
  return {
    request: rows.flatMap(({ request = [] }) => request.map((path) => clientPath(path, from))).sort(),
    answer: rows.flatMap(({ answer = [] }) => answer).sort(),
    stream: rows.flatMap(({ answer = [], stream = answer }) => stream).sort(),
  }
}

/** A path in the client's own names: cases name settings as Chat Completions does. */
export function clientPath(path: string, from: ConversationProtocol): string {
  const [setting] = Object.entries(openaiChat.settingNames).find(([, name]) => name === path) ?? []
  return setting === undefined ? path : (protocolOf(from).settingNames[setting as Setting] ?? setting)
}

/** A meaning with the signatures of another, in order: those of the upstream that answers. */
export function withSignaturesOf(meaning: unknown, other: unknown): unknown {
  const values = signaturesIn(other)
  const replaceSignature = (name: string, value: unknown): unknown =>
    name === 'signature' ? (values.shift() ?? value) : value
  return JSON.parse(JSON.stringify(meaning), replaceSignature)
}

function signaturesIn(meaning: unknown): unknown[] {
  const values: unknown[] = []
  JSON.parse(JSON.stringify(meaning), (name: string, value: unknown) => {
    if (name === 'signature') values.push(value)
    return value
  })
  return values
}
