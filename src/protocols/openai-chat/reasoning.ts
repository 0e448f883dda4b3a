import type { ReasoningBlock } from '../../chat/blocks.js'
import { mayReceive, type Signature, unwrapSignature, wrapSignature } from '../../chat/signatures.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { Dialect } from '../dialect.js'
import { LANGUAGE } from './language.js'

/** What a message or delta thinks aloud, by whichever name its vendor has for it. */
export function reasoningTextOf(message: Record<string, unknown>): string {
  const { reasoning_content: content, reasoning } = message
  if (typeof content === 'string' && content !== '') return content
  return typeof reasoning === 'string' ? reasoning : ''
}

/** All the reasoning of a whole message. OpenRouter's details go before: they have the signatures, and the same words. */
export function readReasoning(message: Record<string, unknown>): ReasoningBlock[] {
  const text = reasoningTextOf(message)
  const details = readDetails(message.reasoning_details)
  const told = details.map((detail) => detail.text).join('')
  if (told === '') return withText(details, text).map(blockOf)
  const rest = text.startsWith(told) ? text.slice(told.length) : ''
  const blocks = details.map(blockOf)
  return rest ? [...blocks, { type: 'reasoning', text: rest }] : blocks
}

/** Details without words belong to the words beside them: a proof of what was said, to the first of them. */
function withText(details: readonly Detail[], text: string): readonly Detail[] {
  if (text === '') return details
  const [first, ...others] = details
  if (!first || first.hidden) return [{ text, signature: undefined, hidden: false, place: '' }, ...details]
  return [{ ...first, text }, ...others]
}

/** Clients that gather a stream's details without joining them bring them in pieces. */
function readDetails(details: unknown): Detail[] {
  const joined: Detail[] = []
  for (const value of Array.isArray(details) ? details : []) {
    const detail = readDetail(value)
    const last = joined.at(-1)
    if (!detail) continue
    if (last && last.place === detail.place && !last.signature) {
      joined[joined.length - 1] = { ...detail, text: last.text + detail.text }
    } else joined.push(detail)
  }
  return joined.filter(({ text, signature }) => text !== '' || signature)
}

function blockOf({ text, signature }: Detail): ReasoningBlock {
  return { type: 'reasoning', text, signature }
}

/** One of `reasoning_details`. */
export interface Detail {
  readonly text: string
  readonly signature: Signature | undefined
  /** It has no words: its reasoning was hidden. */
  readonly hidden: boolean
  /** Details of the same place are pieces of one. */
  readonly place: string
}

/** Reads one of `reasoning_details`. A signature of this language is all of the detail but its words: it goes back so. */
export function readDetail(detail: unknown): Detail | undefined {
  if (!isObject(detail)) return undefined
  const { text, summary, ...rest } = detail
  const words = text ?? summary
  const opaque = detail.signature ?? detail.data
  const proof = typeof opaque === 'string' && opaque !== '' ? opaque : undefined
  const signature = proof && (unwrapSignature(proof) ?? { protocol: LANGUAGE, value: JSON.stringify(rest) })
  return {
    text: typeof words === 'string' ? words : '',
    signature: signature || undefined,
    hidden: detail.type === 'reasoning.encrypted',
    place: `${String(detail.type)} ${String(detail.index)}`,
  }
}

/** What stands for reasoning that a place misses and the client has lost. Kimi takes a space for it, but not nothing. */
export function lostReasoning({ pastReasoningPlaceholder: lost }: Dialect, hasCalls: boolean): string | undefined {
  return hasCalls || lost?.everywhere ? (lost?.text ?? ' ') : undefined
}

/** A detail for clients, in OpenRouter's form. */
export function writeDetail(text: string, signature: Signature, index: number, issuer: string): object {
  const carried = wrapSignature(signature, issuer)
  return text === ''
    ? { type: 'reasoning.encrypted', data: carried, index, format: 'unknown' }
    : { type: 'reasoning.text', text, signature: carried, index, format: 'unknown' }
}

/** The details of a past turn for the upstream that issued them; undefined if it issued none. */
export function writeOwnDetails(blocks: readonly ReasoningBlock[], issuer: string): object[] | undefined {
  const isOwn = ({ signature }: ReasoningBlock): boolean =>
    signature !== undefined && mayReceive(signature, LANGUAGE, issuer)
  if (!blocks.some(isOwn)) return undefined
  return blocks.flatMap((block) => {
    if (isOwn(block)) return [ownDetail(block)]
    return block.text === '' ? [] : [{ type: 'reasoning.text', text: block.text }]
  })
}

function ownDetail({ text, signature }: ReasoningBlock): object {
  const value = signature?.value ?? ''
  const detail = parseJson(value)
  if (!isObject(detail)) return { type: 'reasoning.text', text, signature: value }
  if (text === '') return detail
  return { ...detail, [detail.type === 'reasoning.summary' ? 'summary' : 'text']: text }
}
