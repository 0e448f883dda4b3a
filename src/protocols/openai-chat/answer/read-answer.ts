import type { ChatAnswer } from '../../../chat/answer.js'
import { AnswerCollector } from '../../../chat/collect-answer.js'
import { invalidAnswer } from '../../../chat/upstream-error.js'
import { isObject, parseJson } from '../../../lib/values.js'
import type { ReadOptions } from '../../protocol.js'
import { findError, invalidJsonError } from '../errors.js'
import { ChoiceReader } from '../stream/read-choice.js'
import { choiceError, messageOf, readChoices } from './choices.js'
import { findUsage } from './usage.js'

/**
 * Reads a whole answer as a stream of one chunk, so that both accept the same deviations from OpenAI's format. Never throws:
 * sets `upstreamError` where the body is not an answer.
 */
export function readAnswer(body: Buffer, { id }: ReadOptions): ChatAnswer {
  const answer = parseJson(body.toString())
  if (!isObject(answer)) return { choices: [], upstreamError: invalidJsonError(body) }
  const { id: answerId, model } = answer
  const head = {
    id: typeof answerId === 'string' && answerId !== '' ? answerId : undefined,
    model: typeof model === 'string' && model !== '' ? model : undefined,
    usage: findUsage(answer),
  }
  const choices = readChoices(answer)
  const messages = choices.map(messageOf)
  const upstreamError =
    findError(answer) ??
    choices.map(choiceError).find((error) => error) ??
    (messages.some((message) => message) ? undefined : invalidAnswer('an answer without choices'))
  if (upstreamError) return { ...head, choices: [], upstreamError }
  const counters = { id, blocks: 0, calls: 0 }
  const collector = new AnswerCollector()
  for (const [index, { finish_reason: finishReason }] of choices.entries()) {
    const reader = new ChoiceReader(index, counters)
    const emit = collector.push.bind(collector)
    reader.read({ message: numberCalls(messages[index] ?? {}) }, emit)
    reader.finish(finishReason, emit)
  }
  return { ...head, choices: collector.answer.choices }
}

/** Numbers the tool calls, as in a stream, so that calls without an id stay separate. */
function numberCalls(message: Record<string, unknown>): Record<string, unknown> {
  const { tool_calls: calls } = message
  if (!Array.isArray(calls)) return message
  return { ...message, tool_calls: calls.map((call, index) => (isObject(call) ? { ...call, index } : call)) }
}
