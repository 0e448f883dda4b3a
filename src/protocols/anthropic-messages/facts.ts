import type { RequestFacts } from '../../call.js'
import { RelayError } from '../../errors.js'
import { decoded, isTooDeep, latin1 } from '../../lib/json.js'
import { findString } from '../../lib/splice.js'
import { Field } from '../field.js'

/** Model and stream flag of a request. @throws {RelayError} naming the path at fault */
export function readFacts(body: Buffer): RequestFacts {
  const text = latin1(body)
  const request = parseBody(text)
  request.object()
  const model = request.get('model')
  if (model.text() === '') model.fail('must not be empty')
  const stream = request.get('stream').maybeBoolean() === true
  const messages = request.get('messages')
  if (!Array.isArray(messages.value)) messages.list()
  else if (messages.value.length === 0) messages.fail('must not be empty')
  const modelAt = findString(text, 'model')
  if (!modelAt) model.fail('must be given once and spelled plainly: it is ambiguous')
  return { model: decoded(model.text()), modelAt, stream }
}

/** A request's body, to be read field by field. @throws {RelayError} when it is not JSON, or nested beyond reason */
export function parseBody(text: string): Field {
  let request: unknown
  try {
    request = JSON.parse(text)
  } catch (cause) {
    const message = text === '' ? 'The body is empty.' : 'The body is not valid JSON.'
    throw new RelayError('invalid_request', `${message} Send a JSON object.`, { cause })
  }
  if (isTooDeep(request, text.length)) throw new RelayError('invalid_request', 'The body is nested too deeply.')
  return new Field(request)
}
