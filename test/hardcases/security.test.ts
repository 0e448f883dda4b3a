import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { answerJson } from '../scripted-upstream.js'
import { type Harness, startHarness } from './harness.js'
import { dig, type ProtocolName, protocolFixtures, protocolNames } from './protocol-fixtures.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup)
})
afterEach(() => cleanup.run())

/** The error format of each protocol. */
const SHAPES: Readonly<Record<ProtocolName, (status: number) => object>> = {
  chat: () => ({ error: { message: expect.any(String), type: expect.any(String), param: null } }),
  responses: () => ({ error: { message: expect.any(String), type: expect.any(String), param: null } }),
  messages: () => ({
    type: 'error',
    error: { type: expect.any(String), message: expect.any(String) },
    request_id: expect.any(String),
  }),
  gemini: (status) => ({
    error: { code: status, message: expect.any(String), status: expect.stringMatching(/^[A-Z_]+$/) },
  }),
}

describe('HC-108: errors in the format of the caller’s protocol', () => {
  it.each(protocolNames)('an overload, for %s', async (from) => {
    const expected = {
      chat: [503, { error: { type: 'server_error', param: null, code: 'overloaded' } }],
      responses: [503, { error: { type: 'server_error', param: null, code: 'overloaded' } }],
      messages: [529, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }],
      gemini: [503, { error: { code: 503, status: 'UNAVAILABLE', message: 'Overloaded' } }],
    }[from]
    harness.upstream.script = answerJson(
      { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
      529,
    )
    const { status, json } = await harness.ask(from, 'messages/m')
    expect([status, json]).toMatchObject(expected)
  })

  it.each(protocolNames)('the relay’s own errors, for %s', async (from) => {
    const { path } = protocolFixtures[from]
    const shape = SHAPES[from]
    const wrong = await harness.ask(from, 'chat/m', { key: 'sk-nobody' })
    expect([wrong.status, wrong.json]).toMatchObject([401, shape(401)])
    const unknown = await harness.ask(from, 'nowhere/m' as 'chat/m')
    expect(unknown.status).toBe(404)
    expect(unknown.json).toMatchObject({ error: { message: expect.any(String) } })
    const method = await harness.send('PUT', path('chat/m', false))
    expect([method.status, method.json]).toMatchObject([405, shape(405)])
    expect(method.headers.get('allow')).toBe('POST')
    const small = await startHarness(cleanup, { maxBodyBytes: 100 })
    const large = await small.ask(from, 'chat/m', { with: { x: 'x'.repeat(200) } })
    expect([large.status, large.json]).toMatchObject([413, shape(413)])
  })
})

it.each<[unknown, string]>([
  [{ error: 'plain words' }, 'plain words'],
  [{ error: { message: 'numbered', code: 400 } }, 'numbered'],
  [{ detail: [{ loc: ['body'], msg: 'from FastAPI' }] }, 'from FastAPI'],
  [{ object: 'error', message: 'old server', code: 40301 }, 'old server'],
  [[{ error: { message: 'in a list', code: 400 } }], 'in a list'],
  [{ message: 'bare', code: 'InvalidParameter' }, 'bare'],
])('HC-109: finds the message in %j', async (body, message) => {
  harness.upstream.script = answerJson(JSON.stringify(body), 400)
  for (const from of protocolNames) {
    const { status, json } = await harness.ask(from, from === 'chat' ? 'gemini/m' : 'chat/m')
    expect([status, dig(json, 'error', 'message')]).toEqual([400, message])
  }
})

it('HC-100: sends Gemini’s retry delay to clients of every protocol', async () => {
  const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.07s' }]
  harness.upstream.script = answerJson(
    { error: { code: 429, message: 'slow', status: 'RESOURCE_EXHAUSTED', details } },
    429,
  )
  for (const from of protocolNames) {
    const one = await startHarness(cleanup)
    one.upstream.script = harness.upstream.script
    const { status, headers } = await one.ask(from, 'gemini/m')
    expect([status, headers.get('retry-after'), headers.get('retry-after-ms')]).toEqual([429, '35', '34070'])
  }
})

it('HC-110: removes keys, organisations, mail addresses and internal hosts from an upstream’s error', async () => {
  const message =
    'Incorrect key sk-proj-****abcd, sk-upstream-000000A1, organization org-xyzAbc123, me@corp.example, 10.1.2.3:8443, db.prod.internal, https://h/x?key=AIzaSyTest12345'
  const leaks = /sk-proj|sk-upstream|org-xyz|me@corp|10\.1\.2\.3|prod\.internal|AIzaSy/
  for (const to of protocolNames) {
    for (const status of [400, 429, 500]) {
      const body =
        to === 'gemini'
          ? { error: { code: status, message, status: 'INTERNAL' } }
          : { type: 'error', error: { type: 'x', message } }
      const one = await startHarness(cleanup, { retry: { attempts: 1 } })
      one.upstream.script = answerJson(body, status)
      for (const from of protocolNames) expect((await one.ask(from, `${to}/m`)).text).not.toMatch(leaks)
    }
  }
})

describe('HC-141: a model name cannot change the upstream’s path', () => {
  const NAMES = [
    '../../v1/files',
    '..%2F..%2Ffiles',
    'gemini-x?key=1#',
    'x:generateContent/../y',
    '..',
    '%2e%2e',
    'a//b',
    'x\\..\\y',
    'x\n',
  ]

  it.each(NAMES)('%j', async (name) => {
    for (const from of protocolNames) {
      const path = from === 'gemini' ? `gemini/${encodeURIComponent(name)}` : `gemini/${name}`
      const { status } = await harness.ask(from, path as 'gemini/m')
      expect([400, 404]).toContain(status)
    }
    expect(harness.upstream.seen).toHaveLength(0)
  })

  it('from the path of a Gemini request', async () => {
    for (const path of [
      '/v1beta/models/%2e%2e%2Ffiles:generateContent',
      '/v1beta/models/gemini%2F..%2F..%2Fv1%2Fx:generateContent',
    ]) {
      expect((await harness.send('POST', path, { with: protocolFixtures.gemini.requestBody('', false) })).status).toBe(
        404,
      )
    }
    expect(harness.upstream.seen).toHaveLength(0)
  })
})

describe('HC-144: invalid JSON', () => {
  it.each(protocolNames)('is refused in %s without a stack trace; a BOM is ignored', async (from) => {
    const good = JSON.stringify(protocolFixtures[from].requestBody('chat/m', false))
    const bad = [
      good.replace(/}$/, ',"temperature":NaN}'),
      good.replace(/}$/, ',"x":Infinity}'),
      good.replace(/}$/, ',}'),
      `//x\n${good}`,
      Buffer.from(good, 'utf16le'),
      '',
    ]
    for (const body of bad) {
      const { status, json, text } = await harness.ask(from, 'chat/m', { body })
      expect([status, typeof dig(json, 'error', 'message')]).toEqual([400, 'string'])
      expect(text).not.toMatch(/SyntaxError|\bat \w+ \(|\.ts|\.js/)
    }
    expect(harness.upstream.seen).toHaveLength(0)
    for (const to of protocolNames) {
      const body = `\ufeff${JSON.stringify(protocolFixtures[from].requestBody(`${to}/m`, false))}`
      expect((await harness.ask(from, `${to}/m`, { body })).status).toBe(200)
    }
  })
})

describe('HC-149: a caller cannot use a model that is not allowed', () => {
  const VARIANTS = [
    'GPT-4o',
    ' gpt-4o',
    'gpt-4o ',
    'gpt-4o:online',
    'openai/gpt-4o',
    'models/gpt-4o',
    'responses/gpt-4o',
    'gpt-4o\u0000',
    'ft:gpt-4o',
  ]

  it.each(protocolNames)('in %s', async (from) => {
    const models = { mini: 'chat/mini', 'gpt-4o': 'chat/gpt-4o', '*': 'chat' }
    const closed = await startHarness(cleanup, { groups: { default: { models: ['mini'] } }, models })
    for (const name of VARIANTS) {
      const path = from === 'gemini' ? encodeURIComponent(name) : name
      expect((await closed.ask(from, path as 'chat/m')).status).toBe(404)
    }
    if (from !== 'gemini')
      expect((await closed.ask(from, 'mini' as 'chat/m', { with: { model: undefined } })).status).toBe(400)
    expect((await closed.ask(from, 'mini' as 'chat/m')).status).toBe(200)
    await closed.ask(from, 'mini' as 'chat/m', { with: { models: ['gpt-4o'] } })
    for (const { body } of closed.upstream.seen) expect(JSON.parse(body)).toMatchObject({ model: 'mini' })
  })
})

describe('HC-166: x-request-id', () => {
  it.each(protocolNames)('is on every response of %s', async (from) => {
    for (const given of ['my-id_1.2', undefined, 'x'.repeat(10_000), 'a b', 'é'.normalize('NFC')]) {
      const headers = given === undefined ? {} : { 'x-request-id': given }
      const kept = given === 'my-id_1.2'
      const answers = [
        await harness.ask(from, 'messages/m', { headers }),
        await harness.ask(from, 'messages/m', { headers, stream: true }),
        await harness.ask(from, 'nowhere/m' as 'chat/m', { headers }),
        await harness.ask(from, 'chat/m', { headers, key: 'sk-nobody' }),
        await harness.send('GET', '/v1/nothing/at/all', { headers }),
      ]
      for (const { headers: told } of answers) {
        const id = told.get('x-request-id')
        expect(id).toMatch(/^[\w.-]{1,128}$/)
        expect(id === given).toBe(kept)
      }
      if (from === 'messages')
        expect(answers[2]?.json).toMatchObject({ request_id: answers[2]?.headers.get('x-request-id') })
    }
  })
})
