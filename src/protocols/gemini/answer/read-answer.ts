import type { ChatAnswer } from '../../../chat/answer.js'
import { AnswerCollector } from '../../../chat/collect-answer.js'
import { isRefused } from '../../../chat/refusal.js'
import { invalidAnswer, type UpstreamError } from '../../../chat/upstream-error.js'
import { latin1 } from '../../../lib/json.js'
import { isObject, parseJson } from '../../../lib/values.js'
import type { AnswerFacts } from '../../passthrough.js'
import type { ReadOptions } from '../../protocol.js'
import { FragmentReader } from '../stream/read-stream.js'

/** Reads a whole answer. Joins its fragments if the body is a list of them. */
export function readAnswer(body: Buffer, options: ReadOptions): ChatAnswer {
  return collect(parseJson(body.toString()), body.length, options)
}

/**
 * Reads the usage of a whole answer, and whether the model refused. Returns an upstream error if the body is an error
 * under status 200, or no answer.
 */
export function readAnswerFacts(body: Buffer): AnswerFacts {
  const answer = collect(parseJson(latin1(body)), body.length, PLACEHOLDER)
  const { usage, upstreamError } = answer
  // Parses the body again as UTF-8, because people read the error's text.
  return upstreamError
    ? { usage, upstreamError: readAnswer(body, PLACEHOLDER).upstreamError }
    : { usage, refused: isRefused(answer) }
}

/** Options for reading facts, which have no ids. */
const PLACEHOLDER: ReadOptions = { id: 'x' }

function collect(value: unknown, length: number, options: ReadOptions): ChatAnswer {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length === 0 || !list.every(isObject)) {
    return {
      choices: [],
      upstreamError: invalidAnswer(length === 0 ? 'an empty answer' : 'an answer that is not JSON'),
    }
  }
  const fragments = new FragmentReader(options)
  const collector = new AnswerCollector()
  const push = collector.push.bind(collector)
  for (const fragment of list) fragments.readFragment(fragment, push)
  fragments.end(push)
  const { answer } = collector
  return { ...answer, upstreamError: answer.upstreamError ?? noCandidatesError(fragments) }
}

function noCandidatesError(fragments: FragmentReader): UpstreamError | undefined {
  return fragments.hasAnswer ? undefined : invalidAnswer('an answer without candidates')
}
