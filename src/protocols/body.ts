import { RelayError } from '../errors.js'
import { decoded, isTooDeep } from '../lib/json.js'
import { findString } from '../lib/splice.js'
import { Field } from './field.js'
import type { RequestFacts } from './request-facts.js'

/** A request's body, to be read field by field. @throws {RelayError} unless it is a JSON object of sane depth */
export function parseBody(text: string): Field {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const message = text === '' ? 'The body is empty.' : 'The body is not valid JSON.'
    throw new RelayError('invalid_request', `${message} Send a JSON object.`, { cause })
  }
  if (isTooDeep(value, text.length)) throw new RelayError('invalid_request', 'The body is nested too deeply.')
  const root = new Field(value)
  root.object()
  return root
}

/** Model and stream flag of a body that says both, parsed from `text`: its bytes as Latin-1. @throws {RelayError} */
export function readModel(root: Field, text: string): Pick<RequestFacts, 'model' | 'modelSpan' | 'stream'> {
  const model = root.get('model')
  if (model.text() === '') model.fail('must not be empty')
  const stream = root.get('stream').maybeBoolean() === true
  const modelAt = findString(text, 'model')
  if (!modelAt) model.fail('must be given once and spelled plainly: it is ambiguous')
  return { model: decoded(model.text()), modelSpan: modelAt, stream }
}

/** A number that a caller gave; undefined for none, and for what is less than none: the upstream judges that. */
export function amountOf(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY ? value : undefined
}

/** How many answers a caller wants. */
export function choicesOf(value: unknown): number {
  return Math.max(1, amountOf(value) ?? 1)
}

/** Whether a list has anything in it. */
export function isFilled(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0
}
