import type { Citation } from '../../../chat/blocks.js'
import type { Turn } from '../../../chat/request.js'
import { isObject, textOf } from '../../../lib/values.js'
import { ID, ownFieldsOf } from '../native.js'

/** One of a text's `citations`. Places in it are places in the source, so they stay the language's own. */
export function readCitation(value: unknown): Citation | undefined {
  if (!isObject(value)) return undefined
  return {
    url: textOf(value.url) ?? undefined,
    title: textOf(value.title) ?? textOf(value.document_title) ?? undefined,
    quote: textOf(value.cited_text) ?? undefined,
    // One that we wrote ourselves has no index, and its provider would not take it back.
    native: value.encrypted_index === '' ? undefined : { protocol: ID, fields: value },
  }
}

/** All that is cited by a text; undefined when there is nothing. */
export function readCitations(value: unknown): Citation[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  return value.flatMap((item) => readCitation(item) ?? [])
}

/** A citation for a client; undefined for a source without an address. */
export function writeCitation(citation: Citation): object | undefined {
  const { url, title, quote, native } = citation
  if (native?.protocol === ID) return ownFieldsOf(native)
  if (url === undefined) return undefined
  return { type: 'web_search_result_location', url, title: title ?? null, cited_text: quote ?? '', encrypted_index: '' }
}

/** Whether a source goes back to the provider: only those that it made, of what the model said. */
export function isSayable({ native }: Citation, role: Turn['role']): boolean {
  return role === 'assistant' && native?.protocol === ID
}

/** Those as they go back. */
export function writeOwnCitations(citations: readonly Citation[] | undefined): object {
  const own = (citations ?? []).filter(({ native }) => native?.protocol === ID)
  return own.length > 0 ? { citations: own.map(({ native }) => ownFieldsOf(native)) } : {}
}
