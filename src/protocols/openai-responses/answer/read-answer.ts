import type { ChatAnswer } from '../../../chat/answer.js'
import { invalidAnswer, type UpstreamError } from '../../../chat/upstream-error.js'
import { latin1 } from '../../../lib/json.js'
import { isObject, parseJson } from '../../../lib/values.js'
import { readErrorValue } from '../../openai-chat/errors.js'
import type { AnswerFacts } from '../../passthrough.js'
import type { ReadOptions } from '../../protocol.js'
import { readFailure } from '../errors.js'
import { readWhole } from '../stream/read-stream.js'
import { isRefusal } from './status.js'
import { readUsage } from './usage.js'

/** A whole answer; with a fault when it is none. */
export function readAnswer(body: Buffer, reading: ReadOptions): ChatAnswer {
  const response = parseJson(body.toString())
  const upstreamError = faultOf(response, body)
  if (upstreamError || !isObject(response))
    return { choices: [], upstreamError: upstreamError ?? invalidAnswer('an answer that is not JSON') }
  return readWhole(response, reading)
}

/** Usage of a whole answer, and whether it was refused; or a fault when it is an error under status 200, or no answer at all. */
export function readAnswerFacts(body: Buffer): AnswerFacts {
  const response = parseJson(latin1(body))
  const upstreamError = faultOf(response, body)
  if (!isObject(response)) return { upstreamError }
  const usage = readUsage(response.usage)
  return upstreamError ? { upstreamError, usage } : { usage, refused: isRefusal(response) }
}

/** An error's text will be read by people: it is parsed again, decoded. */
function faultOf(response: unknown, body: Buffer): UpstreamError | undefined {
  if (!isObject(response)) return invalidAnswer(body.length === 0 ? 'an empty answer' : 'an answer that is not JSON')
  const failed = response.status === 'failed' || response.status === 'cancelled'
  if (failed || response.error) {
    const read = parseJson(body.toString())
    const error = isObject(read) ? read.error : undefined
    return failed ? readFailure(error) : (readErrorValue(error) ?? readFailure(undefined))
  }
  return Array.isArray(response.output) ? undefined : invalidAnswer('an answer without output')
}
