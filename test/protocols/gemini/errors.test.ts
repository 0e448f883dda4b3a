import { describe, expect, it } from 'vitest'
import { RelayError } from '../../../src/errors.js'
import { gemini } from '../../../src/protocols/gemini/index.js'
import { answering } from './setting.js'

const upstreamError = (body: unknown, status = 400) =>
  gemini.readError(status, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))

describe('reading errors', () => {
  it('HC-100: reads the retry delay', () => {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.07s' }]
    const error = { code: 429, message: 'quota', status: 'RESOURCE_EXHAUSTED', details }
    expect(upstreamError({ error }, 429)).toEqual({
      status: 429,
      message: 'quota',
      type: 'RESOURCE_EXHAUSTED',
      code: null,
      param: null,
      retryAfterMs: 34_070,
      native: true,
    })
    expect(upstreamError([{ error }], 429)).toMatchObject({ retryAfterMs: 34_070, native: false })
    expect(upstreamError({ error: { ...error, details: [{ retryDelay: '1e9s' }] } })).not.toHaveProperty('retryAfterMs')
  })

  it('recognises an invalid key, which Google reports with 400', () => {
    const details = [{ reason: 'API_KEY_INVALID', domain: 'googleapis.com' }]
    expect(
      upstreamError({ error: { code: 400, message: 'API key not valid.', status: 'INVALID_ARGUMENT', details } }),
    ).toMatchObject({
      status: 401,
      code: 'API_KEY_INVALID',
    })
  })

  it.each([
    [{ error: 'text' }, 'text'],
    [{ error: { code: 400, message: { a: 1 } } }, 'Error 400.'],
    [{ error: { message: 'm', code: 400 } }, 'm'],
    [{ detail: [{ loc: ['x'], msg: 'missing' }] }, 'missing'],
    [{ object: 'error', message: 'flat', type: 'T', code: 400 }, 'flat'],
    [[{ error: { message: 'listed' } }], 'listed'],
    [{ message: 'm', code: 'InvalidParameter' }, 'm'],
  ])('HC-109: finds the message in %j', (body, message) => {
    expect(upstreamError(body)?.message).toBe(message)
  })

  it.each(['', '<html>', '7', '[]', '{}', 'null'])('HC-098: finds none in %s', (body) => {
    expect(upstreamError(body)).toBeUndefined()
  })
})

describe('writing errors', () => {
  it.each([
    ['invalid_request', 400, 'INVALID_ARGUMENT'],
    ['invalid_key', 401, 'UNAUTHENTICATED'],
    ['unknown_path', 404, 'NOT_FOUND'],
    ['wrong_method', 405, 'UNIMPLEMENTED'],
    ['too_large', 413, 'INVALID_ARGUMENT'],
    ['rate_limited', 429, 'RESOURCE_EXHAUSTED'],
    ['internal', 500, 'INTERNAL'],
    ['upstream_failed', 502, 'UNAVAILABLE'],
    ['upstream_busy', 503, 'UNAVAILABLE'],
    ['upstream_timeout', 504, 'DEADLINE_EXCEEDED'],
  ] as const)('HC-108: writes %s as %s %s', (kind, code, status) => {
    const error = new RelayError(kind, 'why', { param: 'contents[0]', retryAfterMs: 1500 })
    expect(gemini.statusOf(error)).toBe(code)
    const body = JSON.parse(gemini.writeError(error, 'req_1').toString()) as { error: { details: object[] } }
    expect(body).toMatchObject({ error: { code, message: 'why', status } })
    expect(body.error.details).toContainEqual({
      '@type': 'type.googleapis.com/google.rpc.RetryInfo',
      retryDelay: '1.5s',
    })
    expect(gemini.readError(code, Buffer.from(JSON.stringify(body)))).toMatchObject({
      status: code,
      message: 'why',
      param: 'contents[0]',
      retryAfterMs: 1500,
      native: true,
    })
  })

  it('HC-108: writes a 529 as 503', () => {
    const error = new RelayError('upstream_failed', 'Overloaded', { status: 529 })
    expect(gemini.statusOf(error)).toBe(503)
    const record = gemini.writeStreamError(error).toString()
    expect(record).toMatch(/^data: \{"error":\{"code":503,.*\}\n\n$/)
    expect(gemini.writeStream(answering()).fail(error)).toBe(record)
  })

  it('passes a body of its own format on', () => {
    const body = Buffer.from('{"error":{}}')
    expect(gemini.writeError(new RelayError('upstream_rejected', 'x', { body }), 'r')).toBe(body)
  })
})

describe('models', () => {
  it('are listed by their resource names', () => {
    const list = JSON.parse(gemini.writeModels([{ id: 'fast', ownedBy: 'x' }]).toString())
    expect(list).toMatchObject({
      models: [{ name: 'models/fast', displayName: 'fast', supportedGenerationMethods: expect.any(Array) }],
    })
    expect(JSON.parse(gemini.writeModel({ id: 'a/b', ownedBy: 'x' }).toString())).toMatchObject({ name: 'models/a/b' })
  })
})
