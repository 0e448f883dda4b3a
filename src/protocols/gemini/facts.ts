import type { RequestFacts } from '../../call.js'
import { RelayError } from '../../errors.js'
import { isTooDeep, latin1 } from '../../lib/json.js'
import { Field } from '../field.js'
import type { PathFacts } from '../protocol.js'
import { modelOf } from './path.js'
import { either } from './spelling.js'

/** Model and way of streaming: the path says both. The body is looked at, not into. @throws {RelayError} */
export function readFacts(body: Buffer, { id, stream = false, query }: PathFacts): RequestFacts {
  const root = parseBody(body, latin1(body))
  const counted = either(root, 'generateContentRequest')
  const contents = (counted.given ? counted : root).get('contents')
  if (typeof contents.value !== 'string') {
    if (Array.isArray(contents.value)) refuseEmpty(contents)
    else contents.object()
  }
  const model = modelOf(id)
  if (model === '') throw new RelayError('missing_parameter', 'The path names no model.', { param: 'model' })
  return { model, modelAt: undefined, stream, asArray: stream && !/(?:^|&)(?:%24|\$)?alt=sse(?:&|$)/i.test(query) }
}

/** A caller's body, as a field to read from. @throws {RelayError} unless it is a JSON object of sane depth */
export function parseBody(body: Buffer, text: string = body.toString()): Field {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const message = text === '' ? 'The body is empty.' : 'The body is not valid JSON.'
    throw new RelayError('invalid_request', `${message} Send a JSON object.`, { cause })
  }
  if (isTooDeep(value, body.length)) throw new RelayError('invalid_request', 'The body is nested too deeply.')
  const field = new Field(value)
  field.object()
  return field
}

/** @throws {RelayError} for a list of nothing */
export function refuseEmpty(field: Field): void {
  if (field.list().length === 0) field.fail('must not be empty')
}
