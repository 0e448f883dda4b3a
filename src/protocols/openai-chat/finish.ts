import type { Finish, FinishReason } from '../../chat/answer.js'

/** The words of OpenAI and of those who have their own. */
const READ = new Map<unknown, FinishReason>([
  ['stop', 'stop'],
  ['eos', 'stop'],
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['model_length', 'context'],
  ['tool_calls', 'tool-calls'],
  ['function_call', 'tool-calls'],
  ['content_filter', 'filter'],
])

/** Why a choice ended. What it holds goes before its word: several say `stop` after a call. */
export function readFinish(word: unknown, hasCalls: boolean, hasRefusal: boolean): Finish {
  const reason = READ.get(word) ?? 'stop'
  if (reason === 'stop' || reason === 'tool-calls') return hasCalls ? CALLS : hasRefusal ? REFUSAL : STOP
  return { reason: reason === 'filter' && hasRefusal ? 'refusal' : reason }
}

const STOP: Finish = { reason: 'stop' }
const CALLS: Finish = { reason: 'tool-calls' }
const REFUSAL: Finish = { reason: 'refusal' }

const WRITTEN: Readonly<Record<FinishReason, string>> = {
  stop: 'stop',
  length: 'length',
  context: 'length',
  'tool-calls': 'tool_calls',
  refusal: 'content_filter',
  filter: 'content_filter',
  pause: 'stop',
}

/** `finish_reason`, as the openai-chat schema lists it. */
export function writeFinish({ reason }: Finish): string {
  return WRITTEN[reason]
}

/**
 * The same of a choice that has a message. A refusal in the model's own words ends like any answer: clients take
 * `content_filter` for an error, and do not look at the words. Who calls by the old word is answered by it.
 */
export function finishOf(finish: Finish, { hasRefusal, legacy }: Told): string {
  if (finish.reason === 'refusal' && hasRefusal) return WRITTEN.stop
  return finish.reason === 'tool-calls' && legacy ? 'function_call' : writeFinish(finish)
}

/** What decides between two words for one reason. */
interface Told {
  readonly hasRefusal: boolean
  readonly legacy: boolean
}
