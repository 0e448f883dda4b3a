import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import { candidatesOf, partsOf } from './passthrough.js'

type Fields = Readonly<Record<string, unknown>>

/** How many characters of output a fragment brings. */
export function readOutputLength({ data }: SseRecord): number {
  const value = parseJson(data)
  const fragment: unknown = Array.isArray(value) ? value[0] : value
  if (!isObject(fragment)) return 0
  const parts = candidatesOf(fragment).flatMap(partsOf).filter(isObject)
  return parts.reduce((length, part) => length + lengthOf(part), 0)
}

function lengthOf({ text, functionCall: call, executableCode: program }: Fields): number {
  if (typeof text === 'string') return text.length
  if (isObject(program)) return typeof program.code === 'string' ? program.code.length : 0
  if (!isObject(call)) return 0
  return JSON.stringify(call.args ?? call.partialArgs ?? '').length
}
