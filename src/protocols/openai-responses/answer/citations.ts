import type { Citation } from '../../../chat/blocks.js'
import type { Turn } from '../../../chat/request.js'
import { isObject, textOf } from '../../../lib/values.js'
import { ID, ownFields } from '../native.js'

/** An annotation of a text. Its places count code points; ours count UTF-16 units. */
export function readCitation(annotation: unknown, text: string): Citation | undefined {
  if (!isObject(annotation)) return undefined
  const { type, url, title, start_index: start, end_index: end } = annotation
  if (type !== 'url_citation') {
    return { title: textOf(annotation.filename) ?? undefined, native: { protocol: ID, fields: annotation } }
  }
  return {
    url: textOf(url) ?? undefined,
    title: textOf(title) ?? undefined,
    start: unit(text, start),
    end: unit(text, end),
  }
}

/** An annotation of a text of the answer; undefined for a source that has no address. */
export function writeCitation({ url, title, start, end, native }: Citation, text: string): object | undefined {
  const own = ownFields(native)
  if (own.type !== undefined) return own
  if (url === undefined) return undefined
  const places = { start_index: codePoint(text, start ?? 0), end_index: codePoint(text, end ?? text.length) }
  return { type: 'url_citation', ...places, url, title: title ?? '' }
}

/** Whether a source can be named: what the assistant said cites addresses, and what only this language knows. */
export function isSayable({ url, native }: Citation, role: Turn['role']): boolean {
  return role === 'assistant' && (url !== undefined || ownFields(native).type !== undefined)
}

const SURROGATES = /[\ud800-\udfff]/

function unit(text: string, place: unknown): number | undefined {
  if (typeof place !== 'number') return undefined
  if (!SURROGATES.test(text)) return place
  let at = 0
  for (let points = 0; points < place && at < text.length; points++) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
  return at
}

function codePoint(text: string, place: number): number {
  return SURROGATES.test(text) ? [...text.slice(0, place)].length : place
}
