import { describe, expect, it } from 'vitest'
import { type ErrorKind, RelayError } from '../../../src/errors.js'
import { anthropicMessages as protocol } from '../../../src/protocols/anthropic-messages/index.js'
import { jsonBytes } from './messages-fixtures.js'

const parse = (bytes: Buffer): unknown => JSON.parse(bytes.toString())
const upstreamError = (value: unknown, status = 400) => protocol.readError(status, jsonBytes(value))

describe('writing errors', () => {
  it.each<[ErrorKind, number, string]>([
    ['invalid_request', 400, 'invalid_request_error'],
    ['invalid_key', 401, 'authentication_error'],
    ['unknown_path', 404, 'not_found_error'],
    ['wrong_method', 405, 'invalid_request_error'],
    ['too_large', 413, 'request_too_large'],
    ['rate_limited', 429, 'rate_limit_error'],
    ['internal', 500, 'api_error'],
    ['upstream_unreachable', 502, 'api_error'],
    ['upstream_busy', 503, 'overloaded_error'],
    ['upstream_timeout', 504, 'timeout_error'],
  ])('HC-108: writes %s as %d %s', (kind, status, type) => {
    const error = new RelayError(kind, 'So it is.')
    expect(protocol.statusOf(error)).toBe(status)
    expect(parse(protocol.writeError(error, 'req_1'))).toEqual({
      type: 'error',
      error: { type, message: 'So it is.' },
      request_id: 'req_1',
    })
  })

  it('HC-108: keeps the status of an overload', () => {
    const error = new RelayError('upstream_failed', 'Overloaded', { status: 503, upstreamStatus: 529 })
    expect(protocol.statusOf(error)).toBe(529)
    expect(parse(protocol.writeError(error, 'r'))).toMatchObject({ error: { type: 'overloaded_error' } })
  })

  it('passes a body of its own format on, and writes the error in a stream', () => {
    const error = new RelayError('upstream_rejected', 'x', { body: Buffer.from('{"a":1}') })
    expect(protocol.writeError(error, 'r').toString()).toBe('{"a":1}')
    expect(protocol.writeStreamError(error).toString()).toBe(
      'event: error\ndata: {"type":"error","error":{"type":"invalid_request_error","message":"x"}}\n\n',
    )
  })

  it('HC-104: begins the message of a long prompt as clients expect, once', () => {
    const writtenMessage = (message: string) =>
      parse(protocol.writeError(new RelayError('context_too_long', message), 'r'))
    expect(writtenMessage('maximum context length is 9')).toMatchObject({
      error: { message: 'prompt is too long: maximum context length is 9' },
    })
    expect(writtenMessage('Prompt is too long: 9 > 8')).toMatchObject({
      error: { message: 'Prompt is too long: 9 > 8' },
    })
  })
})

describe('reading errors', () => {
  it('reads Anthropic’s format, with its error code', () => {
    const error = {
      type: 'rate_limit_error',
      message: 'No more',
      details: { error_code: 'enforced_spend_limit_reached' },
    }
    expect(upstreamError({ type: 'error', error, request_id: 'req' }, 429)).toEqual({
      status: 429,
      message: 'No more',
      type: 'rate_limit_error',
      code: 'enforced_spend_limit_reached',
      param: null,
      native: true,
    })
  })

  it.each([
    [{ error: 'plain' }, 'plain', null],
    [{ error: { code: 400, message: 'n' } }, 'n', '400'],
    [{ error: { message: { a: 1 } } }, '{"a":1}', null],
    [{ detail: [{ loc: ['body'], msg: 'missing' }] }, 'missing', null],
    [{ object: 'error', message: 'flat', type: 'BadRequestError' }, 'flat', null],
    [[{ error: { message: 'listed', status: 'X' } }], 'listed', null],
    [{ message: 'm', code: 'InvalidParameter' }, 'm', 'InvalidParameter'],
  ])('HC-109: reads %j', (value, message, code) => {
    expect(upstreamError(value)).toMatchObject({ status: 400, message, code, native: false })
  })

  it.each(['', '<html>', 'null', '5', '{}', '{"type":"error"}', '[]'])('HC-098: finds no error in %j', (text) => {
    expect(protocol.readError(502, Buffer.from(text))).toBeUndefined()
  })
})

describe('writing models', () => {
  it('HC-174: writes one page', () => {
    const models = [
      { id: 'a', ownedBy: 'x' },
      { id: 'b/c', ownedBy: 'x' },
    ]
    expect(parse(protocol.writeModels(models))).toMatchObject({
      data: [{ type: 'model', id: 'a', display_name: 'a' }, { id: 'b/c' }],
      first_id: 'a',
      last_id: 'b/c',
      has_more: false,
    })
    expect(parse(protocol.writeModels([]))).toEqual({ data: [], first_id: null, last_id: null, has_more: false })
    expect(parse(protocol.writeModel({ id: 'a', ownedBy: 'x' }))).toMatchObject({
      type: 'model',
      created_at: expect.any(String),
    })
  })
})
