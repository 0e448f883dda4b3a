import type { Finish, FinishReason } from '../../../chat/answer.js'
import type { UpstreamError } from '../../../chat/upstream-error.js'
import { textOf } from '../../../lib/values.js'
import { PROTOCOL_ID } from '../traits.js'

/** The meaning of each `finishReason`. `unspecified` means a normal stop if the candidate has output, else a filter. */
const FINISH_REASONS: ReadonlyMap<string, FinishReason | 'error' | 'unspecified'> = new Map<
  string,
  FinishReason | 'error' | 'unspecified'
>([
  ['STOP', 'stop'],
  ['MAX_TOKENS', 'length'],
  ['CONTINUATION', 'pause'],
  ['SAFETY', 'filter'],
  ['RECITATION', 'filter'],
  ['LANGUAGE', 'filter'],
  ['BLOCKLIST', 'filter'],
  ['PROHIBITED_CONTENT', 'filter'],
  ['SPII', 'filter'],
  ['MODEL_ARMOR', 'filter'],
  ['IMAGE_SAFETY', 'filter'],
  ['IMAGE_PROHIBITED_CONTENT', 'filter'],
  ['IMAGE_RECITATION', 'filter'],
  ['OTHER', 'unspecified'],
  ['IMAGE_OTHER', 'unspecified'],
  ['NO_IMAGE', 'unspecified'],
  ['ESCALATION', 'unspecified'],
  ['MALFORMED_FUNCTION_CALL', 'error'],
  ['UNEXPECTED_TOOL_CALL', 'error'],
  ['TOO_MANY_TOOL_CALLS', 'error'],
  ['MISSING_THOUGHT_SIGNATURE', 'error'],
])

/** What a candidate contains when it ends. */
export interface CandidateContent {
  readonly hasOutput: boolean
  readonly hasCalls: boolean
}

/** Reads why a candidate ended. Returns an upstream error where the answer failed. */
export function readFinish(
  candidate: Readonly<Record<string, unknown>>,
  content: CandidateContent,
): Finish | UpstreamError {
  const code = String(candidate.finishReason)
  const explanation = textOf(candidate.finishMessage) ?? undefined
  const reason = FINISH_REASONS.get(code)
  if (reason === 'error' || (reason === undefined && !content.hasOutput)) return finishError(code, explanation)
  // An unspecified reason without output means that the provider has filtered the answer.
  if (reason === undefined || reason === 'unspecified') {
    return content.hasOutput
      ? { reason: content.hasCalls ? 'tool-calls' : 'stop' }
      : { reason: 'filter', explanation: explanation ?? code }
  }
  if (reason === 'stop') return { reason: content.hasCalls ? 'tool-calls' : 'stop' }
  if (reason === 'pause')
    return {
      reason,
      native: { protocol: PROTOCOL_ID, fields: { continuationToken: candidate.continuationToken } },
    }
  return reason === 'filter' ? { reason, explanation: explanation ?? code } : { reason }
}

/** Whether a candidate ended with an error. */
export function isUpstreamError(end: Finish | UpstreamError): end is UpstreamError {
  return 'message' in end
}

function finishError(code: string, explanation: string | undefined): UpstreamError {
  const message = explanation ?? `The model ended its answer with an error (${code}).`
  return { status: undefined, message, type: null, code, param: null }
}

/** Reads why the provider blocked a prompt. Undefined where it did not. */
export function readBlock(feedback: Readonly<Record<string, unknown>>): Finish | undefined {
  const code = textOf(feedback.blockReason)
  if (code === null || code === 'BLOCK_REASON_UNSPECIFIED') return undefined
  return { reason: 'filter', explanation: textOf(feedback.blockReasonMessage) ?? `The prompt was blocked (${code}).` }
}

/** The `finishReason` to write for each reason. */
const WRITTEN_REASONS: Readonly<Record<FinishReason, string>> = {
  stop: 'STOP',
  'tool-calls': 'STOP',
  pause: 'STOP',
  length: 'MAX_TOKENS',
  context: 'MAX_TOKENS',
  refusal: 'SAFETY',
  filter: 'SAFETY',
}

/** Writes why an answer ended, as fields of a candidate. */
export function writeFinish({ reason, explanation, native }: Finish): Record<string, unknown> {
  const token = reason === 'pause' && native?.protocol === PROTOCOL_ID ? native.fields.continuationToken : undefined
  if (token !== undefined) return { finishReason: 'CONTINUATION', continuationToken: token }
  return { finishReason: WRITTEN_REASONS[reason], ...(explanation === undefined ? {} : { finishMessage: explanation }) }
}
