import type { Citation } from '../../../chat/blocks.js'
import type { Turn } from '../../../chat/request.js'
import { isObject, textOf } from '../../../lib/values.js'
import { nativeFields } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'

/** Reads an annotation. Its positions count code points of the text; those of a block count UTF-16 units. */
export function readCitation(annotation: unknown, text: string): Citation | undefined {
  if (!isObject(annotation)) return undefined
  const { type, url, title, start_index: start, end_index: end } = annotation
  if (type !== 'url_citation') {
    return { title: textOf(annotation.filename) ?? undefined, native: { protocol: PROTOCOL_ID, fields: annotation } }
  }
  return {
    url: textOf(url) ?? undefined,
    title: textOf(title) ?? undefined,
    start: toCodeUnits(text, start),
    end: toCodeUnits(text, end),
  }
}

/** Writes an annotation of a text. Undefined for a source without a URL, unless it is native. */
export function writeCitation({ url, title, start, end, native }: Citation, text: string): object | undefined {
  const annotation = nativeFields(native)
  if (annotation.type !== undefined) return annotation
  if (url === undefined) return undefined
  const positions = { start_index: toCodePoints(text, start ?? 0), end_index: toCodePoints(text, end ?? text.length) }
  return { type: 'url_citation', ...positions, url, title: title ?? '' }
}

/** Whether {@link writeCitation} can write a citation. Only texts of the assistant have annotations. */
export function isSupportedCitation({ url, native }: Citation, role: Turn['role']): boolean {
  return role === 'assistant' && (url !== undefined || nativeFields(native).type !== undefined)
}

const SURROGATES = /[\ud800-\udfff]/

function toCodeUnits(text: string, codePoints: unknown): number | undefined {
  if (typeof codePoints !== 'number') return undefined
  if (!SURROGATES.test(text)) return codePoints
  let units = 0
  for (let points = 0; points < codePoints && units < text.length; points++) {
    units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1
  }
  return units
}

function toCodePoints(text: string, units: number): number {
  return SURROGATES.test(text) ? [...text.slice(0, units)].length : units
}
