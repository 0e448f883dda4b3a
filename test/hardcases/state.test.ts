import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import {
  answerInAnyProtocol,
  type ClientResponse,
  type Harness,
  type Model,
  OTHER_KEY,
  startHarness,
} from './harness.js'
import { dig } from './protocol-fixtures.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup, { responses: { store: true } })
  harness.upstream.script = answerInAnyProtocol('fi', 'rst')
})
afterEach(() => cleanup.run())

const NATIVE: Model = 'responses/gpt-5'
const TRANSLATED: Model = 'chat/m'
const user = (text: string): object => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] })

/** The id in an answer, whole or streamed. */
function idOf({ json, records }: ClientResponse): string {
  return String(dig(json, 'id') ?? dig(records.at(-1), 'response', 'id'))
}

const notFound = {
  status: 400,
  json: { error: { code: 'previous_response_not_found', param: 'previous_response_id' } },
}

describe('HC-030: without a store, the relay refuses references to earlier responses', () => {
  it.each<[object, string]>([
    [{ previous_response_id: 'resp_abc' }, 'previous_response_id'],
    [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input[0].id'],
    [{ conversation: 'conv_1' }, 'conversation'],
    [{ background: true }, 'background'],
  ])('%j', async (fields, param) => {
    harness = await startHarness(cleanup)
    for (const model of [NATIVE, TRANSLATED, 'messages/m', 'gemini/m'] as const)
      expect(await harness.expectRefused('responses', model, fields)).toMatchObject({ param })
  })

  const items = '"input":[{"role":"user","content":"caf\\u00e9"}]'
  const start = `{"model":"responses/m",${items}`
  const hidden = '"previous\\u005Fresponse_id":"resp_theirs"'
  it.each([
    ['a field name with a Unicode escape', `{"model":"responses/m","input":"x",${hidden}}`],
    ['a type with a Unicode escape', '{"model":"responses/m","input":[{"type":"item\\u005freference","id":"msg_1"}]}'],
  ])('%s', async (_how, body) => {
    for (const store of [false, true]) {
      harness = await startHarness(cleanup, { responses: { store } })
      expect((await harness.ask('responses', NATIVE, { body })).status).toBe(400)
      expect(harness.upstream.seen).toHaveLength(0)
    }
  })

  it.each([
    ['a name twice', `${start},"previous_response_id":"resp_theirs","previous_response_id":null}`],
    ['a name twice, once with a Unicode escape', `${start},${hidden},"previous_response_id":null}`],
    ['an input twice', `{"model":"responses/m","input":[{"type":"item_reference","id":"resp_theirs"}],${items}}`],
  ])('does not send the reference upstream: %s', async (_how, body) => {
    const response = await harness.ask('responses', NATIVE, { body })
    expect([200, 400]).toContain(response.status)
    for (const seen of harness.upstream.seen) expect(seen.body).not.toContain('resp_theirs')
  })
})

describe('HC-030: a request without references', () => {
  it.each([
    '{"model":"m","input":"caf\\u00e9", "previous_response_id":null}',
    '{"model":"m","input":[{"role":"user","content":"\\"previous_response_id\\" caf\\u00e9"}],"x":1.0}',
  ])('passes unchanged: %s', async (body) => {
    await harness.ask('responses', NATIVE, { body: body.replace('"m"', '"responses/m"') })
    expect(harness.upstream.seen[0]?.body).toBe(body)
  })
})

describe.each([false, true])('HC-030: with a store, streamed: %s', (stream) => {
  it.each([NATIVE, TRANSLATED])('inserts the history for %s', async (model) => {
    const first = await harness.ask('responses', model, { stream, with: { input: 'one', instructions: 'Be brief.' } })
    const id = idOf(first)
    const second = await harness.ask('responses', model, { stream, with: { input: 'two', previous_response_id: id } })
    expect(second.status).toBe(200)
    const body = harness.sent()
    expect(body).not.toHaveProperty('previous_response_id')
    const messages = model === NATIVE ? dig(body, 'input') : dig(body, 'messages')
    const [one, answer, two, ...more] = messages as object[]
    expect(more).toEqual([])
    expect(JSON.stringify([one, two])).toMatch(/"user".*"one".*"user".*"two"/)
    expect(answer).toMatchObject({ role: 'assistant' })
    expect(JSON.stringify(answer)).toContain('first')
    // Instructions are of their own request only.
    expect(JSON.stringify(body)).not.toContain('Be brief.')
    const third = await harness.ask('responses', model, {
      with: { input: 'three', previous_response_id: idOf(second) },
    })
    expect(third.status).toBe(200)
    const all = model === NATIVE ? dig(harness.sent(), 'input') : dig(harness.sent(), 'messages')
    expect(all).toHaveLength(model === NATIVE || idOf(second) !== id ? 5 : 3)
  })

  it.each([NATIVE, TRANSLATED])('hides the response from another tenant: %s', async (model) => {
    const id = idOf(await harness.ask('responses', model, { stream }))
    const refused = await harness.ask('responses', model, { with: { previous_response_id: id }, key: OTHER_KEY })
    expect(refused).toMatchObject(notFound)
    expect(harness.upstream.seen).toHaveLength(1)
    for (const method of ['GET', 'DELETE'])
      expect(await harness.send(method, `/v1/responses/${id}`, { key: OTHER_KEY })).toMatchObject({ status: 404 })
    expect((await harness.send('GET', `/v1/responses/${id}`)).status).toBe(200)
  })

  it.each([NATIVE, TRANSLATED])('returns the response, and deletes it: %s', async (model) => {
    const id = idOf(await harness.ask('responses', model, { stream }))
    const shown = await harness.send('GET', `/v1/responses/${id}`)
    expect(shown).toMatchObject({ status: 200, json: { id, object: 'response', status: 'completed' } })
    expect(JSON.stringify(dig(shown.json, 'output'))).toContain('"first"')
    const deleted = await harness.send('DELETE', `/v1/responses/${id}`)
    expect(deleted).toMatchObject({ status: 200, json: { id, object: 'response', deleted: true } })
    for (const method of ['GET', 'DELETE'])
      expect(await harness.send(method, `/v1/responses/${id}`)).toMatchObject({
        status: 404,
        json: { error: { param: 'response_id' } },
      })
    expect(await harness.ask('responses', model, { with: { previous_response_id: id } })).toMatchObject(notFound)
  })

  it.each([NATIVE, TRANSLATED])('resolves a reference to one of its items: %s', async (model) => {
    const first = await harness.ask('responses', model, { stream })
    const output = dig(first.json, 'output') ?? dig(first.records.at(-1), 'response', 'output')
    const reference = { type: 'item_reference', id: dig(output, 0, 'id') }
    await harness.expectAccepted('responses', model, { input: [user('a'), reference, user('b')] })
    expect(harness.upstream.seen.at(-1)?.body).toMatch(/"a".*"first".*"b"/)
    expect(harness.upstream.seen.at(-1)?.body).not.toContain('item_reference')
  })

  it('does not store a response to a request with store: false', async () => {
    const id = idOf(await harness.ask('responses', TRANSLATED, { stream, with: { store: false } }))
    expect((await harness.send('GET', `/v1/responses/${id}`)).status).toBe(404)
  })
})

describe('HC-177: requests about a stored response', () => {
  it.each<[string, string, number]>([
    ['GET', '/v1/responses/resp_x?stream=true&starting_after=5', 404],
    ['GET', '/v1/responses/resp_x', 404],
    ['DELETE', '/v1/responses/resp_x', 404],
    ['POST', '/v1/responses/resp_x/cancel', 405],
    ['GET', '/v1/responses/resp_x/input_items', 404],
  ])('the relay itself answers %s %s, and never uses the shared key', async (method, path, status) => {
    for (const one of [harness, await startHarness(cleanup)]) {
      const response = await one.send(method, path, { with: {} })
      expect([response.status, typeof dig(response.json, 'error', 'message')]).toEqual([status, 'string'])
      expect(one.upstream.seen).toHaveLength(0)
    }
  })
})
