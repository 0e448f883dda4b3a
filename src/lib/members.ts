import { latin1 } from './json.js'
import { endOfString } from './splice.js'

/** One member of a JSON object. `bytes.subarray(start, end)` holds its name and value. */
export interface Member {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** Returns the top-level members of a JSON object, duplicates included. `bytes` must be valid JSON. */
export function readMembers(bytes: Buffer): Member[] {
  const text = latin1(bytes)
  const members: Member[] = []
  let start = text.indexOf('{') + 1
  let depth = 1
  for (let at = start; depth > 0 && at < text.length; at++) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at) - 1
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    if (depth > 0 && !(depth === 1 && character === ',')) continue
    const quote = text.indexOf('"', start)
    if (quote >= 0 && quote < at) {
      members.push({ name: JSON.parse(text.slice(quote, endOfString(text, quote))), start, end: at })
    }
    start = at + 1
  }
  return members
}

/** Writes a JSON object of the `added` members, followed by the `kept` members of `bytes` unchanged. */
export function objectOf(bytes: Buffer, kept: readonly Member[], added: Readonly<Record<string, unknown>>): Buffer {
  const written = Object.entries(added).map(([name, value]) =>
    Buffer.from(`${JSON.stringify(name)}:${JSON.stringify(value)}`),
  )
  const all = [...written, ...kept.map(({ start, end }) => bytes.subarray(start, end))]
  const separated = all.flatMap((member, index) => (index === 0 ? [member] : [COMMA, member]))
  return Buffer.concat([OPEN, ...separated, CLOSE])
}

const OPEN = Buffer.from('{')
const COMMA = Buffer.from(',')
const CLOSE = Buffer.from('}')
