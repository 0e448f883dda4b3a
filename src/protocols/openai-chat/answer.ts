import { latin1 } from '../../lib/json.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { AnswerFacts } from '../protocol.js'
import { brokenOff, choicesOf, isBrokenOff } from './choices.js'
import { invalid, readErrorValue } from './errors.js'
import { readUsage } from './usage.js'

/** Usage of a whole answer; or a fault when it is an error under status 200, or no answer at all. */
export function readAnswer(body: Buffer): AnswerFacts {
  const answer = parseJson(latin1(body))
  if (!isObject(answer)) return { fault: invalid(body.length === 0 ? 'an empty answer' : 'an answer that is not JSON') }
  const usage = readUsage(answer.usage)
  if (answer.error) {
    // Parsed again, decoded: this text will be read by people.
    const read = parseJson(body.toString())
    const fault = readErrorValue(isObject(read) ? read.error : undefined)
    if (fault) return { fault, usage }
  }
  if (!Array.isArray(answer.choices)) return { fault: invalid('an answer without choices') }
  return choicesOf(answer).some(isBrokenOff) ? { fault: brokenOff, usage } : { usage }
}
