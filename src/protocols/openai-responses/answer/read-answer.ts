import type { ChatAnswer } from '../../../chat/answer.js'
import { invalidAnswer, type UpstreamError } from '../../../chat/upstream-error.js'
import { latin1 } from '../../../lib/json.js'
import { isObject, parseJson } from '../../../lib/values.js'
import { readErrorValue } from '../../openai-chat/errors.js'
import type { AnswerFacts } from '../../passthrough.js'
import type { ReadOptions } from '../../protocol.js'
import { readResponseError } from '../errors.js'
import { readResponse } from '../stream/read-stream.js'
import { isRefusal } from './status.js'
import { readUsage } from './usage.js'

/** Reads a whole answer. Sets `upstreamError` where it is not one. */
export function readAnswer(body: Buffer, options: ReadOptions): ChatAnswer {
  const response = parseJson(body.toString())
  const upstreamError = findError(response, body)
  if (upstreamError || !isObject(response))
    return { choices: [], upstreamError: upstreamError ?? invalidAnswer('an answer that is not JSON') }
  return readResponse(response, options)
}

/** Reads usage, refusal and errors of a whole answer. */
export function readAnswerFacts(body: Buffer): AnswerFacts {
  const response = parseJson(latin1(body))
  const upstreamError = findError(response, body)
  if (!isObject(response)) return { upstreamError }
  const usage = readUsage(response.usage)
  return upstreamError ? { upstreamError, usage } : { usage, refused: isRefusal(response) }
}

/** Finds the error of a failed or invalid answer. Parses its text again as UTF-8, because people read the message. */
function findError(response: unknown, body: Buffer): UpstreamError | undefined {
  if (!isObject(response)) return invalidAnswer(body.length === 0 ? 'an empty answer' : 'an answer that is not JSON')
  const failed = response.status === 'failed' || response.status === 'cancelled'
  if (failed || response.error) {
    const parsed = parseJson(body.toString())
    const error = isObject(parsed) ? parsed.error : undefined
    return failed ? readResponseError(error) : (readErrorValue(error) ?? readResponseError(undefined))
  }
  return Array.isArray(response.output) ? undefined : invalidAnswer('an answer without output')
}
