import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../mounts.js'
import { type Bench, type Came, type Model, OTHER_KEY, speaksAll, startBench } from './bench.js'
import { dig } from './languages.js'

const cleanup = new Cleanup()
let bench: Bench

beforeEach(async () => {
  bench = await startBench(cleanup, { responses: { store: true } })
  bench.upstream.script = speaksAll('fi', 'rst')
})
afterEach(() => cleanup.run())

const NATIVE: Model = 'responses/gpt-5'
const TRANSLATED: Model = 'chat/m'
const user = (text: string): object => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] })

/** The id in an answer, whole or streamed. */
function idOf({ json, records }: Came): string {
  return String(dig(json, 'id') ?? dig(records.at(-1), 'response', 'id'))
}

const notFound = {
  status: 400,
  json: { error: { code: 'previous_response_not_found', param: 'previous_response_id' } },
}

describe('HC-030: without a store, what stands on state is refused', () => {
  it.each<[object, string]>([
    [{ previous_response_id: 'resp_abc' }, 'previous_response_id'],
    [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input[0].id'],
    [{ conversation: 'conv_1' }, 'conversation'],
    [{ background: true }, 'background'],
  ])('%j', async (fields, param) => {
    bench = await startBench(cleanup)
    for (const model of [NATIVE, TRANSLATED, 'messages/m', 'gemini/m'] as const)
      expect(await bench.refuses('responses', model, fields)).toMatchObject({ param })
  })

  const items = '"input":[{"role":"user","content":"caf\\u00e9"}]'
  const start = `{"model":"responses/m",${items}`
  const hidden = '"previous\\u005Fresponse_id":"resp_theirs"'
  it.each([
    ['by a name in disguise', `{"model":"responses/m","input":"x",${hidden}}`],
    ['by a type in disguise', '{"model":"responses/m","input":[{"type":"item\\u005freference","id":"msg_1"}]}'],
  ])('%s', async (_how, body) => {
    for (const store of [false, true]) {
      bench = await startBench(cleanup, { responses: { store } })
      expect((await bench.ask('responses', NATIVE, { body })).status).toBe(400)
      expect(bench.upstream.seen).toHaveLength(0)
    }
  })

  it.each([
    ['a name twice', `${start},"previous_response_id":"resp_theirs","previous_response_id":null}`],
    ['a name twice, once in disguise', `${start},${hidden},"previous_response_id":null}`],
    ['an input twice', `{"model":"responses/m","input":[{"type":"item_reference","id":"resp_theirs"}],${items}}`],
  ])('%s does not bring it upstream', async (_how, body) => {
    const came = await bench.ask('responses', NATIVE, { body })
    expect([200, 400]).toContain(came.status)
    for (const seen of bench.upstream.seen) expect(seen.body).not.toContain('resp_theirs')
  })
})

describe('HC-030: what refers to nothing', () => {
  it.each([
    '{"model":"m","input":"caf\\u00e9", "previous_response_id":null}',
    '{"model":"m","input":[{"role":"user","content":"\\"previous_response_id\\" caf\\u00e9"}],"x":1.0}',
  ])('goes on as it came: %s', async (body) => {
    await bench.ask('responses', NATIVE, { body: body.replace('"m"', '"responses/m"') })
    expect(bench.upstream.seen[0]?.body).toBe(body)
  })
})

describe.each([false, true])('HC-030: with a store, streamed: %s', (stream) => {
  it.each([NATIVE, TRANSLATED])('the history is put in for %s', async (model) => {
    const first = await bench.ask('responses', model, { stream, with: { input: 'one', instructions: 'Be brief.' } })
    const id = idOf(first)
    const second = await bench.ask('responses', model, { stream, with: { input: 'two', previous_response_id: id } })
    expect(second.status).toBe(200)
    const body = bench.sent()
    expect(body).not.toHaveProperty('previous_response_id')
    const said = model === NATIVE ? dig(body, 'input') : dig(body, 'messages')
    const [one, answer, two, ...more] = said as object[]
    expect(more).toEqual([])
    expect(JSON.stringify([one, two])).toMatch(/"user".*"one".*"user".*"two"/)
    expect(answer).toMatchObject({ role: 'assistant' })
    expect(JSON.stringify(answer)).toContain('first')
    // Instructions are of their own request only.
    expect(JSON.stringify(body)).not.toContain('Be brief.')
    const third = await bench.ask('responses', model, { with: { input: 'three', previous_response_id: idOf(second) } })
    expect(third.status).toBe(200)
    const all = model === NATIVE ? dig(bench.sent(), 'input') : dig(bench.sent(), 'messages')
    expect(all).toHaveLength(model === NATIVE || idOf(second) !== id ? 5 : 3)
  })

  it.each([NATIVE, TRANSLATED])('another tenant does not find it: %s', async (model) => {
    const id = idOf(await bench.ask('responses', model, { stream }))
    const asked = await bench.ask('responses', model, { with: { previous_response_id: id }, key: OTHER_KEY })
    expect(asked).toMatchObject(notFound)
    expect(bench.upstream.seen).toHaveLength(1)
    for (const method of ['GET', 'DELETE'])
      expect(await bench.send(method, `/v1/responses/${id}`, { key: OTHER_KEY })).toMatchObject({ status: 404 })
    expect((await bench.send('GET', `/v1/responses/${id}`)).status).toBe(200)
  })

  it.each([NATIVE, TRANSLATED])('it is shown and deleted: %s', async (model) => {
    const id = idOf(await bench.ask('responses', model, { stream }))
    const shown = await bench.send('GET', `/v1/responses/${id}`)
    expect(shown).toMatchObject({ status: 200, json: { id, object: 'response', status: 'completed' } })
    expect(JSON.stringify(dig(shown.json, 'output'))).toContain('"first"')
    const deleted = await bench.send('DELETE', `/v1/responses/${id}`)
    expect(deleted).toMatchObject({ status: 200, json: { id, object: 'response', deleted: true } })
    for (const method of ['GET', 'DELETE'])
      expect(await bench.send(method, `/v1/responses/${id}`)).toMatchObject({
        status: 404,
        json: { error: { param: 'response_id' } },
      })
    expect(await bench.ask('responses', model, { with: { previous_response_id: id } })).toMatchObject(notFound)
  })

  it.each([NATIVE, TRANSLATED])('an item of it can be referred to: %s', async (model) => {
    const first = await bench.ask('responses', model, { stream })
    const output = dig(first.json, 'output') ?? dig(first.records.at(-1), 'response', 'output')
    const reference = { type: 'item_reference', id: dig(output, 0, 'id') }
    await bench.goes('responses', model, { input: [user('a'), reference, user('b')] })
    expect(bench.upstream.seen.at(-1)?.body).toMatch(/"a".*"first".*"b"/)
    expect(bench.upstream.seen.at(-1)?.body).not.toContain('item_reference')
  })

  it('what its caller does not want kept is not', async () => {
    const id = idOf(await bench.ask('responses', TRANSLATED, { stream, with: { store: false } }))
    expect((await bench.send('GET', `/v1/responses/${id}`)).status).toBe(404)
  })
})

describe('HC-177: what is done with a response later', () => {
  it.each<[string, string, number]>([
    ['GET', '/v1/responses/resp_x?stream=true&starting_after=5', 404],
    ['GET', '/v1/responses/resp_x', 404],
    ['DELETE', '/v1/responses/resp_x', 404],
    ['POST', '/v1/responses/resp_x/cancel', 405],
    ['GET', '/v1/responses/resp_x/input_items', 404],
  ])('%s %s is answered here, never with the shared key', async (method, path, status) => {
    for (const one of [bench, await startBench(cleanup)]) {
      const came = await one.send(method, path, { with: {} })
      expect([came.status, typeof dig(came.json, 'error', 'message')]).toEqual([status, 'string'])
      expect(one.upstream.seen).toHaveLength(0)
    }
  })
})
