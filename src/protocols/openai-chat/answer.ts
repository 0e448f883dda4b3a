import { fields, JsonFault, type Outline, outline, parseSpan, type Shape } from '../../lib/json.js'
import type { AnswerFacts } from '../protocol.js'
import { invalid, readErrorValue } from './errors.js'
import { readUsage } from './usage.js'

const ANSWER: Shape = {
  kinds: ['object'],
  fields: fields({
    choices: { kinds: ['array', 'null'], keep: true },
    usage: { kinds: ['object', 'null'], keep: true },
    error: { kinds: ['object', 'string', 'array', 'boolean', 'number', 'null'], keep: true },
  }),
}

/** Usage of a whole answer; or a fault when it is an error under status 200, or no answer at all. */
export function readAnswer(body: Buffer): AnswerFacts {
  const found = check(body)
  if (!found) return { fault: invalid(body.length === 0 ? 'an empty answer' : 'an answer that is not JSON') }
  const choices = found.get('choices')
  const error = found.get('error')
  if (choices?.kind !== 'array') {
    const value = error && error.kind !== 'null' ? parseSpan(body, error) : undefined
    return { fault: readErrorValue(value) ?? invalid('an answer without choices') }
  }
  const usage = found.get('usage')
  return { usage: usage && readUsage(parseSpan(body, usage)) }
}

function check(body: Buffer): Outline | undefined {
  try {
    return outline(body, ANSWER)
  } catch (error) {
    if (error instanceof JsonFault) return undefined
    throw error
  }
}
