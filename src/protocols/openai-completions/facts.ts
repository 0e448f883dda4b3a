import type { RequestFacts } from '../../call.js'
import { latin1 } from '../../lib/json.js'
import { parseBody, readModel } from '../body.js'

/** Model and stream flag of a completions request. @throws {RelayError} naming the path at fault */
export function readFacts(body: Buffer): RequestFacts {
  const text = latin1(body)
  return readModel(parseBody(text), text)
}
