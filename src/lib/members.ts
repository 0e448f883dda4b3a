import { latin1 } from './json.js'
import { endOfString } from './splice.js'

/** One member of a JSON object, as it stands in its bytes: `bytes.subarray(start, end)` is its name and its value. */
export interface Member {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** The members at the top of bytes that are known to be a JSON object; of several with one name each. */
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

/** An object of these members, each as it stands in the bytes, behind others that are new. */
export function objectOf(bytes: Buffer, kept: readonly Member[], added: Readonly<Record<string, unknown>>): Buffer {
  const fresh = Object.entries(added).map(([name, value]) =>
    Buffer.from(`${JSON.stringify(name)}:${JSON.stringify(value)}`),
  )
  const all = [...fresh, ...kept.map(({ start, end }) => bytes.subarray(start, end))]
  const parted = all.flatMap((member, index) => (index === 0 ? [member] : [COMMA, member]))
  return Buffer.concat([OPEN, ...parted, CLOSE])
}

const OPEN = Buffer.from('{')
const COMMA = Buffer.from(',')
const CLOSE = Buffer.from('}')
