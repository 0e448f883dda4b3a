import type { Citation, TextBlock } from '../../chat/blocks.js'
import { isObject } from '../../lib/values.js'

/** Reads `annotations`. Their places are counted in characters, ours in UTF-16 units from where the block begins. */
export function readCitations(annotations: unknown, text: string, blockAt = 0): Citation[] {
  const list: unknown[] = Array.isArray(annotations) ? annotations : []
  return list.flatMap((annotation) => {
    if (!isObject(annotation)) return []
    const cited = isObject(annotation.url_citation) ? annotation.url_citation : annotation
    if (typeof cited.url !== 'string') return []
    return [
      {
        url: cited.url,
        title: typeof cited.title === 'string' ? cited.title : undefined,
        start: unitsAt(text, cited.start_index, blockAt),
        end: unitsAt(text, cited.end_index, blockAt),
        quote: typeof cited.content === 'string' ? cited.content : undefined,
      },
    ]
  })
}

function unitsAt(text: string, characters: unknown, blockAt: number): number | undefined {
  if (typeof characters !== 'number' || characters < 0) return undefined
  if (!hasPairs(text)) return Math.max(0, characters - blockAt)
  let at = 0
  for (let left = characters; left > 0 && at < text.length; left--) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
  return Math.max(0, at - blockAt)
}

/** The citations of one block of text, which begins at `blockAt` of the whole text; those without a URL have no word. */
export function writeCitations(
  citations: readonly Citation[],
  block: Pick<TextBlock, 'text'>,
  text: string,
  blockAt: number,
): object[] {
  return citations.flatMap(({ url, title, start = 0, end = block.text.length }) => {
    if (url === undefined) return []
    const places = {
      start_index: charactersAt(text, blockAt + start),
      end_index: charactersAt(text, blockAt + end),
    }
    return [{ type: 'url_citation', url_citation: { ...places, url, title: title ?? '' } }]
  })
}

function charactersAt(text: string, units: number): number {
  const before = text.slice(0, units)
  return hasPairs(before) ? Array.from(before).length : before.length
}

function hasPairs(text: string): boolean {
  return /[\ud800-\udbff]/.test(text)
}
