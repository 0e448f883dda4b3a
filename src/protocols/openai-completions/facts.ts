import type { RequestFacts } from '../../call.js'
import { RelayError } from '../../errors.js'
import { decoded, latin1 } from '../../lib/json.js'
import { findString } from '../../lib/splice.js'
import { Field } from '../field.js'
import { parseBody } from '../openai-chat/body.js'

/** Model and stream flag of a completions request. @throws {RelayError} naming the path at fault */
export function readFacts(body: Buffer): RequestFacts {
  const text = latin1(body)
  const root = new Field(parseBody(text))
  root.object()
  const model = root.get('model')
  if (model.text() === '') model.fail('must not be empty')
  const stream = root.get('stream').maybeBoolean() ?? false
  const modelAt = findString(text, 'model')
  if (modelAt) return { model: decoded(model.text()), modelAt, stream }
  const message = "'model' must be given once and spelled plainly: it is ambiguous."
  throw new RelayError('invalid_request', message, { param: 'model' })
}
