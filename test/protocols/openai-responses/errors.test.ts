import { describe, expect, it } from 'vitest'
import { RelayError } from '../../../src/errors.js'
import { openaiResponses } from '../../../src/protocols/openai-responses/index.js'
import { ASKED, eventsOf, NO_PATH } from './responses-fixtures.js'

const { readError, writeError, writeStreamError, statusOf, tokenCounting, writeModels, writeModel } = openaiResponses
const upstreamError = (body: unknown): unknown =>
  readError(400, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))

describe('errors', () => {
  it.each<[unknown, object]>([
    [
      { error: { message: 'm', type: 't', param: 'p', code: 'c' } },
      { status: 400, message: 'm', type: 't', param: 'p', code: 'c', native: true },
    ],
    [{ error: 'plain' }, { message: 'plain', native: false }],
    [{ error: { message: 'm', code: 429 } }, { status: 400, code: '429', native: true }],
    [[{ error: { message: 'm' } }], { message: 'm', native: false }],
    [{ detail: [{ loc: ['body'], msg: 'wrong' }] }, { message: 'wrong', native: false }],
    [
      { object: 'error', message: 'm', type: 'BadRequestError', code: 400 },
      { message: 'm', native: false },
    ],
    [
      { message: 'm', code: 'InvalidParameter' },
      { message: 'm', code: 'InvalidParameter' },
    ],
    [{ error: { message: { a: 1 }, type: 'odd' } }, { message: 'odd' }],
  ])('HC-109: reads %j', (body, expected) => expect(upstreamError(body)).toMatchObject(expected))

  it.each(['', '<html>', 'null', '{}', '[]', '5'])('HC-098: %j holds no error', (body) =>
    expect(upstreamError(body)).toBeUndefined(),
  )

  it('HC-108: are written in OpenAI’s format, or passed on', () => {
    const error = new RelayError('upstream_busy', 'Busy.')
    expect(statusOf(error)).toBe(503)
    expect(JSON.parse(writeError(error, 'id').toString())).toEqual({
      error: { message: 'Busy.', type: 'server_error', param: null, code: 'overloaded' },
    })
    const body = Buffer.from('{"error":{"message":"as it came"}}')
    expect(writeError(new RelayError('upstream_rejected', 'x', { body }), 'id')).toBe(body)
  })

  it('end a stream that passes through, without an end marker', () => {
    const [event] = eventsOf(writeStreamError(new RelayError('upstream_failed', 'Cut.')).toString())
    expect(event).toMatchObject({
      type: 'error',
      message: 'Cut.',
      code: 'server_error',
      param: null,
      error: { message: 'Cut.' },
    })
  })
})

describe('counting and listing', () => {
  it('sends only fields that affect the count', () => {
    const request = tokenCounting?.readRequest(
      Buffer.from('{"model":"m","input":"a","temperature":1,"instructions":"b"}'),
      NO_PATH,
    )
    const losses = { list: [], add: () => undefined, noEquivalent: () => undefined, foreign: () => undefined }
    const writing = { model: 'up', stream: false, issuer: 'i', dialect: {}, losses: losses as never }
    expect(JSON.parse(tokenCounting?.writeRequest(request ?? ASKED, writing) ?? '')).toEqual({
      model: 'up',
      instructions: 'b',
      input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'a' }] }],
    })
    expect(tokenCounting?.pathFor('m')).toBe('/responses/input_tokens')
    expect(tokenCounting?.readCount(Buffer.from('{"object":"response.input_tokens","input_tokens":7}'))).toBe(7)
    expect(tokenCounting?.readCount(Buffer.from('{}'))).toBeUndefined()
    expect(JSON.parse(tokenCounting?.writeCount(7) ?? '')).toEqual({ object: 'response.input_tokens', input_tokens: 7 })
  })

  it('lists models as OpenAI does', () => {
    const model = { id: 'a/b', object: 'model', created: 1704067200, owned_by: 'x' }
    expect(JSON.parse(writeModels([{ id: 'a/b', ownedBy: 'x' }]).toString())).toEqual({ object: 'list', data: [model] })
    expect(JSON.parse(writeModel({ id: 'a/b', ownedBy: 'x' }).toString())).toEqual(model)
  })
})
