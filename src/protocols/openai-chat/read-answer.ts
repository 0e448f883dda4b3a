import type { ChatAnswer } from '../../chat/answer.js'
import { AnswerCollector } from '../../chat/collect-answer.js'
import { invalidAnswer } from '../../chat/upstream-error.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { ReadOptions } from '../protocol.js'
import { notJson } from './answer.js'
import { brokenOff, messageOf, readChoices } from './choices.js'
import { faultIn } from './errors.js'
import { ChoiceReader } from './read-choice.js'
import { findUsage } from './usage.js'

/** A whole answer, of OpenAI or of those who almost write it so: read as a stream of one piece. Never throws: what is no answer is a fault. */
export function readAnswer(body: Buffer, { id }: ReadOptions): ChatAnswer {
  const answer = parseJson(body.toString())
  if (!isObject(answer)) return { choices: [], upstreamError: notJson(body) }
  const { id: own, model } = answer
  const head = {
    id: typeof own === 'string' && own !== '' ? own : undefined,
    model: typeof model === 'string' && model !== '' ? model : undefined,
    usage: findUsage(answer),
  }
  const given = readChoices(answer)
  const messages = given.map(messageOf)
  const upstreamError =
    faultIn(answer) ??
    given.map(brokenOff).find((broken) => broken) ??
    (messages.some((message) => message) ? undefined : invalidAnswer('an answer without choices'))
  if (upstreamError) return { ...head, choices: [], upstreamError }
  const numbering = { id, blocks: 0, calls: 0 }
  const fold = new AnswerCollector()
  for (const [index, { finish_reason: word }] of given.entries()) {
    const reader = new ChoiceReader(index, numbering)
    const emit = fold.push.bind(fold)
    reader.read({ message: numbered(messages[index] ?? {}) }, emit)
    reader.finish(word, emit)
  }
  return { ...head, choices: fold.answer.choices }
}

/** Calls that have no number of their own get one, so that each is told apart. */
function numbered(message: Record<string, unknown>): Record<string, unknown> {
  const { tool_calls: calls } = message
  if (!Array.isArray(calls)) return message
  return { ...message, tool_calls: calls.map((call, index) => (isObject(call) ? { ...call, index } : call)) }
}
