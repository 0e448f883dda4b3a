import type { RequestFacts } from '../../call.js'
import { latin1 } from '../../lib/json.js'
import { parseBody, readModel } from '../body.js'

/** Model and stream flag of a request. @throws {RelayError} naming the path at fault */
export function readFacts(body: Buffer): RequestFacts {
  const text = latin1(body)
  const root = parseBody(text)
  const facts = readModel(root, text)
  root.get('messages').some()
  return facts
}
