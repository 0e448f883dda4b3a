import type { ChatAnswer } from '../../../chat/answer.js'
import { invalidAnswer, type UpstreamError } from '../../../chat/upstream-error.js'
import { isObject, parseJson, textOf } from '../../../lib/values.js'
import type { ReadOptions } from '../../protocol.js'
import { readAnswerError } from '../errors.js'
import { isDirectCall, isEmptyBlock, readBlock } from './blocks.js'
import { readFinish } from './stop-reason.js'
import { readUsage } from './usage.js'

/** Reads a whole message. Sets `upstreamError` where the body is not a message. */
export function readAnswer(body: Buffer, { id }: ReadOptions): ChatAnswer {
  const message = parseJson(body.toString())
  const upstreamError = findError(message, body.length)
  if (upstreamError || !isObject(message)) return { choices: [], upstreamError }
  const content: unknown[] = Array.isArray(message.content) ? message.content : []
  const read = content.filter(isObject).map((block, index) => readBlock(block, `call_${id}_${index}`))
  const blocks = read.filter((block) => !isEmptyBlock(block))
  const calledTools = content.some((block) => isObject(block) && isDirectCall(block))
  return {
    id: textOf(message.id) ?? undefined,
    model: textOf(message.model) ?? undefined,
    choices: [{ blocks, finish: readFinish(message, calledTools) }],
    usage: readUsage(message.usage),
  }
}

/** Returns the error in a body with status 200, or the error for a body that is no answer. `length`: bytes of the body. */
export function findError(answer: unknown, length: number): UpstreamError | undefined {
  if (!isObject(answer)) return invalidAnswer(length === 0 ? 'an empty answer' : 'an answer that is not JSON')
  const upstreamError = readAnswerError(answer)
  return upstreamError ?? (Array.isArray(answer.content) ? undefined : invalidAnswer('an answer without content'))
}
