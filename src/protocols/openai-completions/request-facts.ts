import { latin1 } from '../../lib/json.js'
import { nonNegative, parseBody, readChoiceCount, readModel } from '../body.js'
import { findUsageRequestEdit } from '../openai-chat/passthrough.js'
import type { RequestFacts } from '../request-facts.js'

/** Reads as much of a request as routing needs. @throws {RelayError} that names the path of an invalid value */
export function readFacts(body: Buffer): RequestFacts {
  const text = latin1(body)
  const root = parseBody(text)
  const { model, modelSpan, stream } = readModel(root, text)
  const {
    max_completion_tokens: maxCompletionTokens,
    max_tokens: maxTokens,
    n,
    best_of: bestOf,
    prompt,
    temperature,
  } = root.object()
  return {
    model,
    modelSpan,
    stream,
    maxOutputTokens: nonNegative(maxCompletionTokens ?? maxTokens),
    // With `best_of`, the model writes that many answers, and the caller pays for all.
    choices: Math.max(readChoiceCount(n), readChoiceCount(bestOf)) * countPrompts(prompt),
    temperature: nonNegative(temperature),
    usesTools: false,
    usageRequestEdit: stream ? findUsageRequestEdit(root, text) : undefined,
  }
}

/** A list of numbers is one prompt of tokens. */
function countPrompts(prompt: unknown): number {
  return Array.isArray(prompt) && typeof prompt[0] !== 'number' ? Math.max(1, prompt.length) : 1
}
