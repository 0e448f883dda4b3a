import type { Citation, TextBlock } from '../../../chat/blocks.js'
import { isObject } from '../../../lib/values.js'

/**
 * Reads `annotations`. Their positions count characters of the whole text; those of a block count UTF-16 units from
 * `blockStart`, the start of the block.
 */
export function readCitations(annotations: unknown, text: string, blockStart = 0): Citation[] {
  const list: unknown[] = Array.isArray(annotations) ? annotations : []
  return list.flatMap((annotation) => {
    if (!isObject(annotation)) return []
    const source = isObject(annotation.url_citation) ? annotation.url_citation : annotation
    if (typeof source.url !== 'string') return []
    return [
      {
        url: source.url,
        title: typeof source.title === 'string' ? source.title : undefined,
        start: toCodeUnits(text, source.start_index, blockStart),
        end: toCodeUnits(text, source.end_index, blockStart),
        quote: typeof source.content === 'string' ? source.content : undefined,
      },
    ]
  })
}

function toCodeUnits(text: string, characters: unknown, blockStart: number): number | undefined {
  if (typeof characters !== 'number' || characters < 0) return undefined
  if (!hasSurrogates(text)) return Math.max(0, characters - blockStart)
  let units = 0
  for (let left = characters; left > 0 && units < text.length; left--) {
    units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1
  }
  return Math.max(0, units - blockStart)
}

/**
 * Writes the citations of one text block. `text`: the whole text of the choice; `blockStart`: where the block starts in
 * it. Leaves out citations without a URL.
 */
export function writeCitations(
  citations: readonly Citation[],
  block: Pick<TextBlock, 'text'>,
  text: string,
  blockStart: number,
): object[] {
  return citations.flatMap(({ url, title, start = 0, end = block.text.length }) => {
    if (url === undefined) return []
    const positions = {
      start_index: toCharacters(text, blockStart + start),
      end_index: toCharacters(text, blockStart + end),
    }
    return [{ type: 'url_citation', url_citation: { ...positions, url, title: title ?? '' } }]
  })
}

function toCharacters(text: string, units: number): number {
  const before = text.slice(0, units)
  return hasSurrogates(before) ? Array.from(before).length : before.length
}

function hasSurrogates(text: string): boolean {
  return /[\ud800-\udbff]/.test(text)
}
