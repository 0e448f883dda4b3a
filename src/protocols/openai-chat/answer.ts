import { invalidAnswer } from '../../chat/upstream-error.js'
import { latin1 } from '../../lib/json.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { AnswerFacts } from '../passthrough.js'
import { resultError } from '../result-errors.js'
import { brokenOff, isRefusal, readChoices } from './choices.js'
import { faultIn } from './errors.js'
import { findUsage } from './usage.js'

/** Usage of a whole answer, and whether it was refused; or a fault when it is an error under status 200, or no answer at all. */
export function readAnswerFacts(body: Buffer): AnswerFacts {
  const answer = parseJson(latin1(body))
  if (!isObject(answer)) return { upstreamError: notJson(body) }
  const usage = findUsage(answer)
  // Parsed again, decoded: this text will be read by people.
  if (answer.error || !Array.isArray(answer.choices) || resultError(answer))
    return { upstreamError: faultOf(body), usage }
  let refused = false
  for (const choice of readChoices(answer)) {
    const upstreamError = brokenOff(choice)
    if (upstreamError) return { upstreamError, usage }
    refused ||= isRefusal(choice)
  }
  return { usage, refused }
}

/** What an answer is that is not even JSON. */
export function notJson(body: Buffer): AnswerFacts['upstreamError'] {
  const isEmpty = body.length === 0 || body.toString().trim() === ''
  return invalidAnswer(isEmpty ? 'an empty answer' : 'an answer that is not JSON')
}

function faultOf(body: Buffer): AnswerFacts['upstreamError'] {
  const answer = parseJson(body.toString())
  return (isObject(answer) ? faultIn(answer) : undefined) ?? invalidAnswer('an answer without choices')
}
