import type { Finish, FinishReason } from '../../../chat/answer.js'

/** Values of `finish_reason`, at OpenAI and at other vendors. */
const READ_REASONS = new Map<unknown, FinishReason>([
  ['stop', 'stop'],
  ['eos', 'stop'],
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['model_length', 'context'],
  ['tool_calls', 'tool-calls'],
  ['function_call', 'tool-calls'],
  ['content_filter', 'filter'],
])

/**
 * Reads why a choice ended. Its content decides before its `finish_reason`, because several upstreams send `stop` after a
 * tool call.
 */
export function readFinish(finishReason: unknown, hasCalls: boolean, hasRefusal: boolean): Finish {
  const reason = READ_REASONS.get(finishReason) ?? 'stop'
  if (reason === 'stop' || reason === 'tool-calls') return hasCalls ? CALLS : hasRefusal ? REFUSAL : STOP
  return { reason: reason === 'filter' && hasRefusal ? 'refusal' : reason }
}

const STOP: Finish = { reason: 'stop' }
const CALLS: Finish = { reason: 'tool-calls' }
const REFUSAL: Finish = { reason: 'refusal' }

const WRITTEN_REASONS: Readonly<Record<FinishReason, string>> = {
  stop: 'stop',
  length: 'length',
  context: 'length',
  'tool-calls': 'tool_calls',
  refusal: 'content_filter',
  filter: 'content_filter',
  pause: 'stop',
}

/** Writes `finish_reason` with the values that OpenAI's schema lists. */
export function writeFinish({ reason }: Finish): string {
  return WRITTEN_REASONS[reason]
}

/**
 * Writes the `finish_reason` of a choice with a message. A refusal with text ends with `stop`: clients treat
 * `content_filter` as an error, and ignore the text.
 */
export function writeChoiceFinish(finish: Finish, { hasRefusal, usesFunctionCall }: FinishContext): string {
  if (finish.reason === 'refusal' && hasRefusal) return WRITTEN_REASONS.stop
  return finish.reason === 'tool-calls' && usesFunctionCall ? 'function_call' : writeFinish(finish)
}

interface FinishContext {
  /** The message has the text of a refusal. */
  readonly hasRefusal: boolean
  /** The request offers the deprecated `functions`, so calls end with `function_call`. */
  readonly usesFunctionCall: boolean
}
