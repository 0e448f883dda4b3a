import { isObject, parseJson } from './values.js'

/**
 * Decodes JSON bytes as Latin-1, with one character for each byte. So an index in the text is an offset in the bytes, and
 * a long conversation parses 2.6 times faster. Strings parsed from it need {@link decoded}.
 */
export function latin1(bytes: Buffer): string {
  return bytes.toString('latin1')
}

/** Decodes a string that was parsed from {@link latin1} text as UTF-8. */
export function decoded(text: string): string {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return Buffer.from(text, 'latin1').toString()
  return text
}

/** No real request is nested as deeply. The limit protects code that recurses. */
const MAX_DEPTH = 512

/** Whether a parsed value has more than 512 levels. `bytes`: length of its JSON, since a short one cannot be that deep. */
export function isTooDeep(value: unknown, bytes: number): boolean {
  return bytes > 2 * MAX_DEPTH && isDeeper(value, MAX_DEPTH)
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  // `Object.values` would allocate an array, and an object may have a million keys.
  for (const key in value) if (isDeeper((value as Record<string, unknown>)[key], levels - 1)) return true
  return false
}

/** Serializes an object with one more field. `json` is the JSON of its value, and is inserted unchanged. */
export function withRaw(object: object, name: string, json: string): string {
  const text = JSON.stringify(object)
  const comma = text.length > 2 ? ',' : ''
  return `${text.slice(0, -1)}${comma}${JSON.stringify(name)}:${json}}`
}

const BEGINS_OBJECT = /^\s*\{/

/** Returns `text` unchanged if it is the JSON of an object, else undefined. So numbers keep all their digits. */
export function objectText(text: string): string | undefined {
  // Parsing other text would throw, which costs 20 µs.
  return BEGINS_OBJECT.test(text) && isObject(parseJson(text)) ? text : undefined
}
