import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { type Harness, startHarness } from './harness.js'
import { dig, protocolNames } from './protocol-fixtures.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup)
})
afterEach(() => cleanup.run())

it('HC-174: lists the models that the caller may use, in the format of each protocol', async () => {
  const models = { a: 'chat/a', 'org/b': 'chat/b', hidden: 'chat/c' }
  const closed = await startHarness(cleanup, { groups: { default: { models: ['a', 'org/*'] } }, models })
  const anthropic = { headers: { 'anthropic-version': '2023-06-01' } }
  const plain = await closed.send('GET', '/v1/models')
  expect(plain.json).toMatchObject({ object: 'list', data: [{ id: 'a', object: 'model' }, { id: 'org/b' }] })
  const paged = await closed.send('GET', '/v1/models', anthropic)
  expect(paged.json).toMatchObject({
    data: [{ id: 'a', type: 'model' }, { id: 'org/b' }],
    has_more: false,
    first_id: 'a',
    last_id: 'org/b',
  })
  const google = await closed.send('GET', `/v1beta/models?key=sk-caller-00000001`, { key: '' })
  expect(google.json).toMatchObject({ models: [{ name: 'models/a' }, { name: 'models/org/b' }] })
  for (const { text } of [plain, paged, google]) expect(text).not.toContain('hidden')
  for (const path of ['/v1/models/org/b', '/v1/models/org%2Fb']) {
    expect((await closed.send('GET', path)).json).toMatchObject({ id: 'org/b', object: 'model' })
    expect((await closed.send('GET', path, anthropic)).json).toMatchObject({ id: 'org/b', type: 'model' })
  }
  expect((await closed.send('GET', '/v1/models/hidden')).status).toBe(404)
})

describe('HC-176: legacy completions from an upstream of each protocol', () => {
  it.each(protocolNames)('%s', async (to) => {
    const ask = (fields: object): ReturnType<Harness['send']> =>
      harness.send('POST', '/v1/completions', { with: { model: `${to}/m`, ...fields } })
    expect((await ask({ prompt: 'Say' })).json).toMatchObject({
      object: 'text_completion',
      choices: [{ index: 0, text: 'ok', finish_reason: 'stop' }],
    })
    const { records, text } = await ask({ prompt: 'Say', stream: true })
    expect(new Set(records.map((record) => dig(record, 'object')))).toEqual(new Set(['text_completion']))
    expect(records.map((record) => dig(record, 'choices', 0, 'text') ?? '').join('')).toBe('ok')
    expect(text).toContain('data: [DONE]')
    for (const fields of [
      { prompt: [1, 2, 3] },
      { prompt: [[1], [2]] },
      { prompt: null },
      { prompt: 'x', echo: true },
      { prompt: 'x', suffix: 's' },
      { prompt: 'x', logprobs: 3 },
    ])
      expect((await ask(fields)).status).toBe(400)
    for (const { body } of harness.upstream.seen) expect(body).not.toContain('1,2,3')
  })
})
