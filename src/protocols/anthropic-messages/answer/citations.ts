import type { Citation } from '../../../chat/blocks.js'
import type { Turn } from '../../../chat/request.js'
import { isObject, textOf } from '../../../lib/values.js'
import { nativeFields } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'

/** Reads one of a text's `citations`. Its positions refer to the source document, so they stay native. */
export function readCitation(value: unknown): Citation | undefined {
  if (!isObject(value)) return undefined
  return {
    url: textOf(value.url) ?? undefined,
    title: textOf(value.title) ?? textOf(value.document_title) ?? undefined,
    quote: textOf(value.cited_text) ?? undefined,
    // A citation that this relay wrote has no index, and the provider would refuse it.
    native: value.encrypted_index === '' ? undefined : { protocol: PROTOCOL_ID, fields: value },
  }
}

/** Reads all citations of a text. Returns undefined where it has none. */
export function readCitations(value: unknown): Citation[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  return value.flatMap((item) => readCitation(item) ?? [])
}

/** Writes a citation for a client. Returns undefined for a source without a URL. */
export function writeCitation(citation: Citation): object | undefined {
  const { url, title, quote, native } = citation
  if (native?.protocol === PROTOCOL_ID) return nativeFields(native)
  if (url === undefined) return undefined
  return { type: 'web_search_result_location', url, title: title ?? null, cited_text: quote ?? '', encrypted_index: '' }
}

/** Whether the provider accepts a citation back: only its own, in assistant text. */
export function isSupportedCitation({ native }: Citation, role: Turn['role']): boolean {
  return role === 'assistant' && native?.protocol === PROTOCOL_ID
}

/** Writes the citations that go back to the provider. */
export function writeNativeCitations(citations: readonly Citation[] | undefined): object {
  const own = (citations ?? []).filter(({ native }) => native?.protocol === PROTOCOL_ID)
  return own.length > 0 ? { citations: own.map(({ native }) => nativeFields(native)) } : {}
}
