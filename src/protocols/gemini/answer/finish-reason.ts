import type { Finish, FinishReason } from '../../../chat/answer.js'
import type { UpstreamError } from '../../../chat/upstream-error.js'
import { textOf } from '../../../lib/values.js'
import { PROTOCOL_ID } from '../id.js'

/** What a `finishReason` is: a reason; a fault; or, where the word says nothing, a reason if anything was said. */
const REASONS: ReadonlyMap<string, FinishReason | 'fault' | 'unsaid'> = new Map<
  string,
  FinishReason | 'fault' | 'unsaid'
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
  ['OTHER', 'unsaid'],
  ['IMAGE_OTHER', 'unsaid'],
  ['NO_IMAGE', 'unsaid'],
  ['ESCALATION', 'unsaid'],
  ['MALFORMED_FUNCTION_CALL', 'fault'],
  ['UNEXPECTED_TOOL_CALL', 'fault'],
  ['TOO_MANY_TOOL_CALLS', 'fault'],
  ['MISSING_THOUGHT_SIGNATURE', 'fault'],
])

/** What a candidate has said when it ends. */
export interface CandidateContent {
  readonly hasOutput: boolean
  readonly hasCalls: boolean
}

/** Why a candidate ended; a fault when its end is none. */
export function readFinish(
  candidate: Readonly<Record<string, unknown>>,
  said: CandidateContent,
): Finish | UpstreamError {
  const word = String(candidate.finishReason)
  const explanation = textOf(candidate.finishMessage) ?? undefined
  const known = REASONS.get(word)
  if (known === 'fault' || (known === undefined && !said.hasOutput)) return finishError(word, explanation)
  // A model that kept silent for a reason of its own did not come to an end: its provider did not let it speak.
  if (known === undefined || known === 'unsaid') {
    return said.hasOutput
      ? { reason: said.hasCalls ? 'tool-calls' : 'stop' }
      : { reason: 'filter', explanation: explanation ?? word }
  }
  if (known === 'stop') return { reason: said.hasCalls ? 'tool-calls' : 'stop' }
  if (known === 'pause')
    return {
      reason: known,
      native: { protocol: PROTOCOL_ID, fields: { continuationToken: candidate.continuationToken } },
    }
  return known === 'filter' ? { reason: known, explanation: explanation ?? word } : { reason: known }
}

/** Whether an end is a fault. */
export function isUpstreamError(end: Finish | UpstreamError): end is UpstreamError {
  return 'message' in end
}

function finishError(word: string, explanation: string | undefined): UpstreamError {
  const message = explanation ?? `The model broke off its answer (${word}).`
  return { status: undefined, message, type: null, code: word, param: null }
}

/** A question that was not let through to the model. */
export function readBlock(feedback: Readonly<Record<string, unknown>>): Finish | undefined {
  const word = textOf(feedback.blockReason)
  if (word === null || word === 'BLOCK_REASON_UNSPECIFIED') return undefined
  return { reason: 'filter', explanation: textOf(feedback.blockReasonMessage) ?? `The prompt was blocked (${word}).` }
}

const WORDS: Readonly<Record<FinishReason, string>> = {
  stop: 'STOP',
  'tool-calls': 'STOP',
  pause: 'STOP',
  length: 'MAX_TOKENS',
  context: 'MAX_TOKENS',
  refusal: 'SAFETY',
  filter: 'SAFETY',
}

/** An end, as fields of a candidate. */
export function writeFinish({ reason, explanation, native }: Finish): Record<string, unknown> {
  const token = reason === 'pause' && native?.protocol === PROTOCOL_ID ? native.fields.continuationToken : undefined
  if (token !== undefined) return { finishReason: 'CONTINUATION', continuationToken: token }
  return { finishReason: WORDS[reason], ...(explanation === undefined ? {} : { finishMessage: explanation }) }
}
