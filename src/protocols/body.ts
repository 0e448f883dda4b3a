import { RelayError } from '../errors.js'
import { decoded, isTooDeep } from '../lib/json.js'
import { findString } from '../lib/splice.js'
import { Field } from './field.js'
import type { RequestFacts } from './request-facts.js'

/** Parses a client's request. @throws {RelayError} unless it is a JSON object of reasonable depth */
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

/** Reads `model` and `stream`. `text`: the body's bytes as Latin-1, from which `root` was parsed. @throws {RelayError} */
export function readModel(root: Field, text: string): Pick<RequestFacts, 'model' | 'modelSpan' | 'stream'> {
  const model = root.get('model')
  if (model.text() === '') model.fail('must not be empty')
  const stream = root.get('stream').maybeBoolean() === true
  const modelSpan = findString(text, 'model')
  if (!modelSpan) model.fail('is ambiguous: it must appear once, without escapes')
  return { model: decoded(model.text()), modelSpan, stream }
}

/** A number that is neither negative nor infinite. Undefined for any other value, which the upstream then checks. */
export function nonNegative(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY ? value : undefined
}

/** The number of answers that a request asks for; at least 1. */
export function readChoiceCount(value: unknown): number {
  return Math.max(1, nonNegative(value) ?? 1)
}

export function isNonEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0
}
