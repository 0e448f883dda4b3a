import { isObject, parseJson } from './values.js'

/**
 * JSON bytes as Latin-1: a character for each byte. Its structure is the same, non-ASCII text costs no decoding (2.6 times
 * faster to parse in a long conversation), and places in it are places in the bytes. A string parsed from it that is
 * wanted goes through {@link decoded}.
 */
export function latin1(bytes: Buffer): string {
  return bytes.toString('latin1')
}

/** A string parsed from {@link latin1}, as it was meant. */
export function decoded(text: string): string {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return Buffer.from(text, 'latin1').toString()
  return text
}

/** Deeper nesting than any real request has: what reads it further on may recurse. */
const MAX_DEPTH = 512

/** Whether a value parsed from so many bytes is nested beyond reason. Short texts cannot be. */
export function isTooDeep(value: unknown, bytes: number): boolean {
  return bytes > 2 * MAX_DEPTH && isDeeper(value, MAX_DEPTH)
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  // Nothing is collected on the way: an object may have a million keys.
  for (const key in value) if (isDeeper((value as Record<string, unknown>)[key], levels - 1)) return true
  return false
}

/** The JSON text of an object with one more field, whose JSON text is at hand already and stays as it is. */
export function withRaw(object: object, name: string, json: string): string {
  const text = JSON.stringify(object)
  const comma = text.length > 2 ? ',' : ''
  return `${text.slice(0, -1)}${comma}${JSON.stringify(name)}:${json}}`
}

const BEGINS_OBJECT = /^\s*\{/

/** The JSON text of an object as it stands in `text`, if it is one; its numbers keep every digit. */
export function objectText(text: string): string | undefined {
  // What begins otherwise is not parsed: to be told so by an exception costs 20 µs.
  return BEGINS_OBJECT.test(text) && isObject(parseJson(text)) ? text : undefined
}
