import { latin1 } from '../../lib/json.js'
import { isNonEmptyList, nonNegative, parseBody, readModel } from '../body.js'
import type { RequestFacts } from '../request-facts.js'

const NUMBERS = ['temperature', 'top_p', 'max_output_tokens']
const OBJECTS = ['text', 'reasoning']

/** Model and stream flag, what it may cost, and that the great pieces are of their kinds. @throws {RelayError} naming the path at fault */
export function readFacts(body: Buffer): RequestFacts {
  const text = latin1(body)
  const root = parseBody(text)
  const { model, modelSpan, stream } = readModel(root, text)
  root.get('input').checkTextOrList()
  root.get('tools').checkList()
  for (const name of NUMBERS) root.get(name).maybeNumber()
  for (const name of OBJECTS) root.get(name).maybeObject()
  const { max_output_tokens: cap, temperature, tools } = root.object()
  return {
    model,
    modelSpan,
    stream,
    maxOutputTokens: nonNegative(cap),
    choices: 1,
    temperature: nonNegative(temperature),
    usesTools: isNonEmptyList(tools),
  }
}
