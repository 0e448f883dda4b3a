import type { RequestFacts } from '../../call.js'
import { RelayError } from '../../errors.js'
import { decoded, isTooDeep, latin1 } from '../../lib/json.js'
import { findString } from '../../lib/splice.js'
import { Field } from '../field.js'

/** Model and stream flag, and that the great pieces are of their kinds. @throws {RelayError} naming the path at fault */
export function readFacts(body: Buffer): RequestFacts {
  const text = latin1(body)
  const request = new Field(parse(text))
  request.object()
  const model = request.get('model')
  if (model.text() === '') model.fail('must not be empty')
  checkShapes(request)
  const stream = request.get('stream').maybeBoolean() === true
  const modelAt = findString(text, 'model')
  if (!modelAt) model.fail('must be given once and spelled plainly: it is ambiguous')
  return { model: decoded(model.text()), modelAt, stream }
}

function checkShapes(request: Field): void {
  const input = request.get('input')
  if (input.given && typeof input.value !== 'string') input.list()
  const tools = request.get('tools')
  if (tools.given && !Array.isArray(tools.value)) tools.list()
  for (const name of NUMBERS) request.get(name).maybeNumber()
  for (const name of OBJECTS) request.get(name).maybeObject()
}

const NUMBERS = ['temperature', 'top_p', 'max_output_tokens']
const OBJECTS = ['text', 'reasoning']

/** @throws {RelayError} for what is no JSON, or deeper than any request */
function parse(text: string): unknown {
  let request: unknown
  try {
    request = JSON.parse(text)
  } catch (cause) {
    const message = text === '' ? 'The body is empty.' : 'The body is not valid JSON.'
    throw new RelayError('invalid_request', `${message} Send a JSON object.`, { cause })
  }
  if (isTooDeep(request, text.length)) throw new RelayError('invalid_request', 'The body is nested too deeply.')
  return request
}

/** A whole body. @throws {RelayError} as {@link readFacts} */
export function readBody(body: Buffer): Field {
  const text = body.toString()
  return new Field(parse(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text))
}

const BYTE_ORDER_MARK = 0xfeff
