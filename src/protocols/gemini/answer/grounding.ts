import type { Citation } from '../../../chat/blocks.js'
import { isObject, textOf } from '../../../lib/values.js'

type Fields = Readonly<Record<string, unknown>>

/** A range of a candidate's text, in UTF-16 units. */
interface TextRange {
  readonly start: number
  readonly end: number
}

/**
 * Reads the sources that a candidate names, with their ranges in `text`. Google counts bytes of UTF-8 within one part.
 * Finds a segment by its excerpt where the count does not match in the whole text.
 */
export function readGrounding(candidate: Fields, text: string): Citation[] {
  const citations = isObject(candidate.groundingMetadata) ? readSupports(candidate.groundingMetadata, text) : []
  const recited = isObject(candidate.citationMetadata) ? objects(candidate.citationMetadata.citationSources) : []
  for (const source of recited) citations.push({ url: textOf(source.uri) ?? undefined, ...rangeOf(source, text) })
  return citations
}

function readSupports({ groundingChunks, groundingSupports }: Fields, text: string): Citation[] {
  const sources = objects(groundingChunks).map(readSource)
  const cited = new Set<number>()
  const citations: Citation[] = []
  for (const support of objects(groundingSupports)) {
    const range = isObject(support.segment) ? rangeOf(support.segment, text) : undefined
    const indices: readonly unknown[] = Array.isArray(support.groundingChunkIndices)
      ? support.groundingChunkIndices
      : []
    for (const index of indices) {
      const source = typeof index === 'number' ? sources[index] : undefined
      if (!source) continue
      cited.add(index as number)
      citations.push({ ...source, ...range })
    }
  }
  return [...citations, ...sources.filter((_, index) => !cited.has(index))]
}

function readSource(chunk: Fields): Citation {
  const source = [chunk.web, chunk.retrievedContext, chunk.maps, chunk.image].find(isObject) ?? {}
  return { url: textOf(source.uri ?? source.sourceUri) ?? undefined, title: textOf(source.title) ?? undefined }
}

function rangeOf({ startIndex, endIndex, text: excerpt }: Fields, text: string): TextRange | undefined {
  const bytes = Buffer.from(text)
  const first = typeof startIndex === 'number' ? startIndex : 0
  const last = typeof endIndex === 'number' ? endIndex : 0
  const start = bytes.toString('utf8', 0, first).length
  const end = bytes.toString('utf8', 0, last).length
  const counted = last > first && last <= bytes.length ? { start, end } : undefined
  if (typeof excerpt !== 'string' || excerpt === '') return counted
  if (counted && text.slice(start, end) === excerpt) return counted
  const found = text.indexOf(excerpt)
  return found < 0 ? undefined : { start: found, end: found + excerpt.length }
}

function objects(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** A citation, and where its block starts. */
export interface TextCitation {
  readonly citation: Citation
  /** The start of the block in the candidate's text, in UTF-16 units. */
  readonly offset: number
}

/** Writes citations as `groundingMetadata`. Undefined without citations. */
export function writeGrounding(citations: readonly TextCitation[], text: string): Fields | undefined {
  if (citations.length === 0) return undefined
  const chunks: Fields[] = []
  const indices = new Map<string, number>()
  const supports: Fields[] = []
  for (const { citation, offset } of citations) {
    const { url: uri, title, start, end } = citation
    const key = JSON.stringify([uri, title])
    const index = indices.get(key) ?? chunks.push({ web: { uri, title } }) - 1
    indices.set(key, index)
    if (start === undefined || end === undefined) continue
    const segment = segmentOf(text, offset + start, offset + end)
    supports.push({ segment, groundingChunkIndices: [index] })
  }
  return { groundingChunks: chunks, ...(supports.length > 0 ? { groundingSupports: supports } : {}) }
}

function segmentOf(text: string, start: number, end: number): Fields {
  const startIndex = Buffer.byteLength(text.slice(0, start))
  const excerpt = text.slice(start, end)
  return { startIndex, endIndex: startIndex + Buffer.byteLength(excerpt), text: excerpt }
}
