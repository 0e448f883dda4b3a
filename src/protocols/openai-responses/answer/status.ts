import type { Finish, FinishReason } from '../../../chat/answer.js'
import { isObject } from '../../../lib/values.js'

type Fields = Readonly<Record<string, unknown>>

/** By the reason in `incomplete_details`. */
const READ_REASONS: ReadonlyMap<unknown, FinishReason> = new Map([
  ['max_output_tokens', 'length'],
  ['max_tokens', 'length'],
  ['content_filter', 'filter'],
  ['max_messages', 'pause'],
  ['steered', 'pause'],
] as const)

/** Reads why a response ended. A completed response says it only by its content. */
export function readFinish(response: Fields, hasCalls: boolean, hasRefusal: boolean): Finish {
  const { status, incomplete_details: details } = response
  if (status === 'incomplete') {
    return { reason: READ_REASONS.get(isObject(details) ? details.reason : undefined) ?? 'length' }
  }
  if (hasCalls) return { reason: 'tool-calls' }
  return { reason: hasRefusal ? 'refusal' : 'stop' }
}

/**
 * Writes status and details of a response. A refusal with text completes the response; one without counts as stopped by
 * the content filter.
 */
export function writeFinish(
  finish: Finish,
  hasRefusal: boolean,
): { status: string; incomplete_details: object | null } {
  const reason = hasRefusal && finish.reason === 'refusal' ? undefined : WRITTEN_REASONS.get(finish.reason)
  return reason
    ? { status: 'incomplete', incomplete_details: { reason } }
    : { status: 'completed', incomplete_details: null }
}

const WRITTEN_REASONS: ReadonlyMap<FinishReason, string> = new Map([
  ['length', 'max_output_tokens'],
  ['context', 'max_output_tokens'],
  ['filter', 'content_filter'],
  ['refusal', 'content_filter'],
] as const)

/** Whether a whole response has a refusal, or was stopped by the content filter. */
export function isRefusal({ incomplete_details: details, output }: Fields): boolean {
  if (isObject(details) && details.reason === 'content_filter') return true
  return Array.isArray(output) && output.some((item) => isObject(item) && hasRefusalPart(item.content))
}

function hasRefusalPart(content: unknown): boolean {
  return Array.isArray(content) && content.some((part) => isObject(part) && part.type === 'refusal')
}
