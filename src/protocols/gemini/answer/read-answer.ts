import type { ChatAnswer } from '../../../chat/answer.js'
import { AnswerCollector } from '../../../chat/collect-answer.js'
import { isRefused } from '../../../chat/refusal.js'
import { invalidAnswer, type UpstreamError } from '../../../chat/upstream-error.js'
import { latin1 } from '../../../lib/json.js'
import { isObject, parseJson } from '../../../lib/values.js'
import type { AnswerFacts } from '../../passthrough.js'
import type { ReadOptions } from '../../protocol.js'
import { FragmentReader } from '../stream/read-stream.js'

/** A whole answer. One that came as the list of its fragments is put together. */
export function readAnswer(body: Buffer, options: ReadOptions): ChatAnswer {
  return fold(parseJson(body.toString()), body.length, options)
}

/** Usage of a whole answer, and whether it was refused; or a fault when it is an error under status 200, or no answer at all. */
export function readAnswerFacts(body: Buffer): AnswerFacts {
  const answer = fold(parseJson(latin1(body)), body.length, NOBODY)
  const { usage, upstreamError } = answer
  // Parsed again, decoded: this text will be read by people.
  return upstreamError
    ? { usage, upstreamError: readAnswer(body, NOBODY).upstreamError }
    : { usage, refused: isRefused(answer) }
}

const NOBODY: ReadOptions = { id: 'x' }

function fold(value: unknown, length: number, options: ReadOptions): ChatAnswer {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length === 0 || !list.every(isObject)) {
    return {
      choices: [],
      upstreamError: invalidAnswer(length === 0 ? 'an empty answer' : 'an answer that is not JSON'),
    }
  }
  const fragments = new FragmentReader(options)
  const folded = new AnswerCollector()
  const push = folded.push.bind(folded)
  for (const fragment of list) fragments.take(fragment, push)
  fragments.end(push)
  const { answer } = folded
  return { ...answer, upstreamError: answer.upstreamError ?? silence(fragments) }
}

function silence(fragments: FragmentReader): UpstreamError | undefined {
  return fragments.answered ? undefined : invalidAnswer('an answer without candidates')
}
