import { latin1 } from '../../lib/json.js'
import { isNonEmptyList, nonNegative, parseBody, readModel } from '../body.js'
import type { RequestFacts } from '../request-facts.js'

/** Model and stream flag of a request, and what it may cost. @throws {RelayError} naming the path at fault */
export function readFacts(body: Buffer): RequestFacts {
  const text = latin1(body)
  const root = parseBody(text)
  const { model, modelSpan, stream } = readModel(root, text)
  root.get('messages').nonEmptyList()
  const { max_tokens: cap, temperature, tools, mcp_servers: servers } = root.object()
  return {
    model,
    modelSpan,
    stream,
    maxOutputTokens: nonNegative(cap),
    choices: 1,
    temperature: nonNegative(temperature),
    usesTools: isNonEmptyList(tools) || isNonEmptyList(servers),
  }
}
