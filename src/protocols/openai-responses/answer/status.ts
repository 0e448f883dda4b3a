import type { Finish, FinishReason } from '../../../chat/answer.js'
import { isObject } from '../../../lib/values.js'

const INCOMPLETE: ReadonlyMap<unknown, FinishReason> = new Map([
  ['max_output_tokens', 'length'],
  ['max_tokens', 'length'],
  ['content_filter', 'filter'],
  ['max_messages', 'pause'],
  ['steered', 'pause'],
] as const)

/** What an answer held that its status does not say. */
export interface Held {
  readonly calls: boolean
  readonly refusals: boolean
}

/** Why a response ended: by its status, and by what it held. */
export function readFinish(response: Readonly<Record<string, unknown>>, { calls, refusals }: Held): Finish {
  const { status, incomplete_details: details } = response
  if (status === 'incomplete') {
    return { reason: INCOMPLETE.get(isObject(details) ? details.reason : undefined) ?? 'length' }
  }
  if (calls) return { reason: 'tool-calls' }
  return { reason: refusals ? 'refusal' : 'stop' }
}

/** Status and details of a response. A refusal in the model's own words completes it; one without is a filter's work. */
export function writeFinish(finish: Finish, refusals: boolean): { status: string; incomplete_details: object | null } {
  const reason = refusals && finish.reason === 'refusal' ? undefined : REASONS.get(finish.reason)
  return reason
    ? { status: 'incomplete', incomplete_details: { reason } }
    : { status: 'completed', incomplete_details: null }
}

const REASONS: ReadonlyMap<FinishReason, string> = new Map([
  ['length', 'max_output_tokens'],
  ['context', 'max_output_tokens'],
  ['filter', 'content_filter'],
  ['refusal', 'content_filter'],
] as const)

/** Whether a whole response is a refusal, or was filtered. */
export function isRefusal(response: Readonly<Record<string, unknown>>): boolean {
  const { incomplete_details: details, output } = response
  if (isObject(details) && details.reason === 'content_filter') return true
  return Array.isArray(output) && output.some((item) => isObject(item) && hasRefusal(item.content))
}

function hasRefusal(content: unknown): boolean {
  return Array.isArray(content) && content.some((part) => isObject(part) && part.type === 'refusal')
}
