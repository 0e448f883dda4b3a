import { RelayError } from '../../errors.js'
import { isTooDeep } from '../../lib/json.js'

/** The value of a caller's body. @throws {RelayError} unless it is JSON of reasonable depth */
export function parseBody(text: string): unknown {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    const message = text === '' ? 'The body is empty.' : 'The body is not valid JSON.'
    throw new RelayError('invalid_request', `${message} Send a JSON object.`, { cause })
  }
  if (isTooDeep(body, text.length)) throw new RelayError('invalid_request', 'The body is nested too deeply.')
  return body
}
