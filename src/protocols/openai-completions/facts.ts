import { latin1 } from '../../lib/json.js'
import { nonNegative, parseBody, readChoices, readModel } from '../body.js'
import { findAsking } from '../openai-chat/metering.js'
import type { RequestFacts } from '../request-facts.js'

/** Model and stream flag of a completions request, and what it may cost. @throws {RelayError} naming the path at fault */
export function readFacts(body: Buffer): RequestFacts {
  const text = latin1(body)
  const root = parseBody(text)
  const { model, modelSpan, stream } = readModel(root, text)
  const { max_completion_tokens: cap, max_tokens: oldCap, n, best_of: tries, prompt, temperature } = root.object()
  return {
    model,
    modelSpan,
    stream,
    maxOutputTokens: nonNegative(cap ?? oldCap),
    // The best of several is chosen from as many answers, all of them written.
    choices: Math.max(readChoices(n), readChoices(tries)) * promptsIn(prompt),
    temperature: nonNegative(temperature),
    usesTools: false,
    usageRequestEdit: stream ? findAsking(root, text) : undefined,
  }
}

/** A list of numbers is one prompt, as tokens. */
function promptsIn(prompt: unknown): number {
  return Array.isArray(prompt) && typeof prompt[0] !== 'number' ? Math.max(1, prompt.length) : 1
}
