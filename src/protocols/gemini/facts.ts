import type { RequestFacts } from '../../call.js'
import { RelayError } from '../../errors.js'
import { latin1 } from '../../lib/json.js'
import { parseBody } from '../body.js'
import type { PathFacts } from '../protocol.js'
import { modelOf } from './path.js'
import { either } from './spelling.js'

/** Model and way of streaming: the path says both. The body is looked at, not into. @throws {RelayError} */
export function readFacts(body: Buffer, { id, stream = false, query }: PathFacts): RequestFacts {
  const root = parseBody(latin1(body))
  const counted = either(root, 'generateContentRequest')
  const contents = (counted.given ? counted : root).get('contents')
  if (typeof contents.value !== 'string') {
    if (Array.isArray(contents.value)) contents.some()
    else contents.object()
  }
  const model = modelOf(id)
  if (model === '') throw new RelayError('missing_parameter', 'The path names no model.', { param: 'model' })
  return { model, modelAt: undefined, stream, isFramed: stream && !/(?:^|&)(?:%24|\$)?alt=sse(?:&|$)/i.test(query) }
}
