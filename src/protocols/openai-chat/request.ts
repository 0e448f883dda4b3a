import type { RequestFacts } from '../../call.js'
import { RelayError } from '../../errors.js'
import { fields, JsonFault, type Kind, type Outline, outline, parseSpan, type Shape } from '../../lib/json.js'

const optional = (...kinds: Kind[]): Shape => ({ kinds: [...kinds, 'null'] })

const MESSAGE: Shape = {
  kinds: ['object'],
  fields: fields({
    role: { kinds: ['string'], required: true },
    content: optional('string', 'array'),
    tool_calls: optional('array'),
    tool_call_id: optional('string'),
  }),
}

/** As much of a request as a relay must be sure of before it passes the bytes on. The upstream judges the rest. */
const REQUEST: Shape = {
  kinds: ['object'],
  fields: fields({
    model: { kinds: ['string'], required: true, keep: true },
    messages: { kinds: ['array'], required: true, least: 1, items: MESSAGE },
    stream: { kinds: ['boolean', 'null'], keep: true },
    stream_options: optional('object'),
    tools: optional('array'),
    stop: optional('string', 'array'),
    n: optional('number'),
    temperature: optional('number'),
    top_p: optional('number'),
    max_tokens: optional('number'),
    max_completion_tokens: optional('number'),
    response_format: optional('object'),
  }),
}

/** Model and stream flag of a Chat Completions request. @throws {RelayError} naming the path at fault */
export function readFacts(body: Buffer): RequestFacts {
  const found = check(body)
  const modelAt = found.get('model')
  const model = modelAt && readString(body, modelAt)
  if (!modelAt || !model) throw new RelayError('invalid_request', "'model' must not be empty.", { param: 'model' })
  const stream = found.get('stream')
  return { model, modelAt, stream: stream !== undefined && body[stream.start] === 0x74 }
}

function check(body: Buffer): Outline {
  try {
    return outline(body, REQUEST)
  } catch (error) {
    if (error instanceof JsonFault) throw toRelayError(error)
    throw error
  }
}

function readString(body: Buffer, span: { start: number; end: number; kind: Kind }): string {
  try {
    return String(parseSpan(body, span))
  } catch (cause) {
    throw new RelayError('invalid_request', "'model' is not a JSON string.", { param: 'model', cause })
  }
}

function toRelayError({ fault, path: param, message }: JsonFault): RelayError {
  if (fault === 'syntax') return new RelayError('invalid_request', `The body is not JSON: ${message}.`)
  if (fault === 'missing')
    return new RelayError('missing_parameter', `Missing required parameter: '${param}'.`, { param })
  if (fault === 'kind')
    return new RelayError('invalid_type', `Invalid value for '${param || 'body'}': ${message}.`, {
      param: param || undefined,
    })
  return new RelayError('invalid_request', `Ambiguous '${param}': ${message}.`, { param })
}
