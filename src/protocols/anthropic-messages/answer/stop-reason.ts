import type { Finish, FinishReason } from '../../../chat/answer.js'
import { isObject, textOf } from '../../../lib/values.js'
import { nativeFields, readNative } from '../native.js'

const FINISH_REASONS = new Map<unknown, FinishReason>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'context'],
  ['tool_use', 'tool-calls'],
  ['pause_turn', 'pause'],
  ['refusal', 'refusal'],
])

const STOP_REASONS: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  context: 'model_context_window_exceeded',
  'tool-calls': 'tool_use',
  refusal: 'refusal',
  filter: 'refusal',
  pause: 'pause_turn',
}

const KNOWN_DETAILS: ReadonlySet<string> = new Set(['type', 'explanation'])

/** Reads why an answer ended, from a message or a stream's `message_delta`. */
export function readFinish(fields: Readonly<Record<string, unknown>>, calledTools: boolean): Finish {
  const reported = FINISH_REASONS.get(fields.stop_reason) ?? 'stop'
  const reason = reported === 'stop' && calledTools ? 'tool-calls' : reported
  const details = isObject(fields.stop_details) ? fields.stop_details : {}
  const sequence = textOf(fields.stop_sequence) ?? undefined
  const explanation = textOf(details.explanation) ?? undefined
  return { reason, sequence, explanation, native: readNative(details, KNOWN_DETAILS) }
}

/** Writes `stop_reason`, `stop_sequence` and `stop_details`. */
export function writeFinish({ reason, sequence, explanation, native }: Finish, hasRefused: boolean): object {
  const refused = hasRefused || reason === 'refusal' || reason === 'filter'
  const hitSequence = !refused && reason === 'stop' && sequence !== undefined
  const details = { type: 'refusal', category: null, ...nativeFields(native), explanation: explanation ?? null }
  return {
    stop_reason: refused ? 'refusal' : hitSequence ? 'stop_sequence' : STOP_REASONS[reason],
    stop_sequence: hitSequence ? sequence : null,
    stop_details: refused ? details : null,
  }
}
