import type { ReasoningBlock } from '../../../chat/blocks.js'
import { mayReceive, type Signature, unwrapSignature, wrapSignature } from '../../../chat/signatures.js'
import { isObject, parseJson } from '../../../lib/values.js'
import type { Dialect } from '../../dialect.js'
import { PROTOCOL_ID } from '../traits.js'

/** The reasoning text of a message or delta, in the field `reasoning_content` or `reasoning`. */
export function reasoningTextOf(message: Record<string, unknown>): string {
  const { reasoning_content: content, reasoning } = message
  if (typeof content === 'string' && content !== '') return content
  return typeof reasoning === 'string' ? reasoning : ''
}

/** The text of Mistral's content part `thinking`: a string, or a list of text parts. */
export function thinkingText(thinking: unknown): string {
  if (typeof thinking === 'string') return thinking
  const parts: unknown[] = Array.isArray(thinking) ? thinking : []
  return parts.map((part) => (isObject(part) && typeof part.text === 'string' ? part.text : '')).join('')
}

/** Reads all reasoning of a message. `reasoning_details` come first: they hold the same text, and the signatures. */
export function readReasoning(message: Record<string, unknown>): ReasoningBlock[] {
  const text = reasoningTextOf(message)
  const details = readDetails(message.reasoning_details)
  const detailsText = details.map((detail) => detail.text).join('')
  if (detailsText === '') return addTextToDetails(details, text).map(toBlock)
  const rest = text.startsWith(detailsText) ? text.slice(detailsText.length) : ''
  const blocks = details.map(toBlock)
  return rest ? [...blocks, { type: 'reasoning', text: rest }] : blocks
}

/** Gives the reasoning text to details without text: to the first detail, unless that is encrypted. */
function addTextToDetails(details: readonly ReasoningDetail[], text: string): readonly ReasoningDetail[] {
  if (text === '') return details
  const [first, ...others] = details
  if (!first || first.isEncrypted) return [{ text, signature: undefined, isEncrypted: false, key: '' }, ...details]
  return [{ ...first, text }, ...others]
}

/** Joins the chunks of one detail: some clients collect the details of a stream without joining them. */
function readDetails(details: unknown): ReasoningDetail[] {
  const joined: ReasoningDetail[] = []
  for (const value of Array.isArray(details) ? details : []) {
    const detail = readDetail(value)
    const last = joined.at(-1)
    if (!detail) continue
    if (last && last.key === detail.key && !last.signature) {
      joined[joined.length - 1] = { ...detail, text: last.text + detail.text }
    } else joined.push(detail)
  }
  return joined.filter(({ text, signature }) => text !== '' || signature)
}

function toBlock({ text, signature }: ReasoningDetail): ReasoningBlock {
  return { type: 'reasoning', text, signature }
}

/** One of OpenRouter's `reasoning_details`. */
export interface ReasoningDetail {
  readonly text: string
  readonly signature: Signature | undefined
  /** It has no text, only encrypted reasoning. */
  readonly isEncrypted: boolean
  /** Consecutive details with the same key are chunks of one detail. */
  readonly key: string
}

/**
 * Reads one of `reasoning_details`. Without the relay's wrapper, its signature is the whole detail except the text, so
 * that the detail can be sent back as it came.
 */
export function readDetail(detail: unknown): ReasoningDetail | undefined {
  if (!isObject(detail)) return undefined
  const { text, summary, ...rest } = detail
  const content = text ?? summary
  const signatureField = detail.signature ?? detail.data
  const signatureText = typeof signatureField === 'string' && signatureField !== '' ? signatureField : undefined
  const signature =
    signatureText && (unwrapSignature(signatureText) ?? { protocol: PROTOCOL_ID, value: JSON.stringify(rest) })
  return {
    text: typeof content === 'string' ? content : '',
    signature: signature || undefined,
    isEncrypted: detail.type === 'reasoning.encrypted',
    key: `${String(detail.type)} ${String(detail.index)}`,
  }
}

/** The text to send where the client dropped past reasoning. Default: a space, because Kimi refuses an empty text. */
export function reasoningPlaceholder(
  { pastReasoningPlaceholder: placeholder }: Dialect,
  hasCalls: boolean,
): string | undefined {
  return hasCalls || placeholder?.everywhere ? (placeholder?.text ?? ' ') : undefined
}

/** Writes a detail for clients, in OpenRouter's format. */
export function writeDetail(text: string, signature: Signature, index: number, issuer: string): object {
  const wrapped = wrapSignature(signature, issuer)
  return text === ''
    ? { type: 'reasoning.encrypted', data: wrapped, index, format: 'unknown' }
    : { type: 'reasoning.text', text, signature: wrapped, index, format: 'unknown' }
}

/** Writes the details of a past turn for the upstream that issued them. Undefined if it issued none. */
export function writeIssuedDetails(blocks: readonly ReasoningBlock[], issuer: string): object[] | undefined {
  const isIssued = ({ signature }: ReasoningBlock): boolean =>
    signature !== undefined && mayReceive(signature, PROTOCOL_ID, issuer)
  if (!blocks.some(isIssued)) return undefined
  return blocks.flatMap((block) => {
    if (isIssued(block)) return [issuedDetail(block)]
    return block.text === '' ? [] : [{ type: 'reasoning.text', text: block.text }]
  })
}

function issuedDetail({ text, signature }: ReasoningBlock): object {
  const value = signature?.value ?? ''
  const detail = parseJson(value)
  if (!isObject(detail)) return { type: 'reasoning.text', text, signature: value }
  if (text === '') return detail
  return { ...detail, [detail.type === 'reasoning.summary' ? 'summary' : 'text']: text }
}
