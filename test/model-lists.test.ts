import { gzipSync } from 'node:zlib'
import OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { fetchRelay } from '../adapters/fetch.js'
import {
  ConfigError,
  createRelay,
  type Logger,
  type RelayOptions,
  type Sign,
  type UnsignedRequest,
} from '../src/index.js'
import { Cleanup } from './cleanup.js'
import {
  answerError,
  answerJson,
  completion,
  type Script,
  type ScriptedUpstream,
  startUpstream,
} from './scripted-upstream.js'
import { KEY, testRelay } from './test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const SECRET = 'sk-upstream-12345678'
/** The shortest interval that the config takes. */
const EVERY_MS = 1000

const listOf = (...names: readonly string[]): Script =>
  answerJson({ object: 'list', data: names.map((id) => ({ id, object: 'model', created: 1, owned_by: 'me' })) })
/** Answers GET with the list, and other requests with a completion. */
const serving =
  (list: Script): Script =>
  (req, res, seen) =>
    (req.method === 'GET' ? list : answerJson(completion(`by ${JSON.parse(seen.body).model}`)))(req, res, seen)

interface LogEntry {
  readonly details: object
  readonly message: string
}

async function start(
  scripts: Readonly<Record<string, Script>>,
  options: Partial<RelayOptions> = {},
  own: {
    type?: string
    apiKey?: string[]
    refreshModelsMs?: number | undefined
    timeouts?: { headersMs: number }
  } = {},
) {
  const upstreams: Record<string, ScriptedUpstream> = {}
  for (const [id, script] of Object.entries(scripts)) upstreams[id] = cleanup.add(await startUpstream(script))
  const logs: LogEntry[] = []
  const log = (details: object, message: string): void => void logs.push({ details, message })
  const logger: Logger = { info: log, warn: log, error: log }
  const providers = Object.fromEntries(
    Object.entries(upstreams).map(([id, { baseURL }]) => [
      id,
      {
        type: 'openai-compatible',
        apiKey: SECRET,
        baseURL: baseURL.replace(/\/v1$/, own.type ? '' : '/v1'),
        refreshModelsMs: EVERY_MS,
        ...own,
      },
    ]),
  )
  const relay = cleanup.add(testRelay({ providers, logger, ...options }))
  const fetch = fetchRelay(relay)
  const openai = new OpenAI({ baseURL: 'http://relay/v1', apiKey: KEY, fetch, maxRetries: 0 })
  const names = async (): Promise<string[]> => (await openai.models.list()).data.map(({ id }) => id)
  const ask = async (model: string): Promise<string | null | undefined> =>
    (await openai.chat.completions.create({ model, messages: [{ role: 'user', content: 'hi' }] })).choices[0]?.message
      .content
  return { upstreams, logs, relay, openai, names, ask }
}

const eventually = { timeout: 4 * EVERY_MS }

describe('model discovery', () => {
  it('lists the providers’ models, and accepts their names with and without provider', async () => {
    const { names, ask, openai, upstreams } = await start({ up: serving(listOf('tiny', 'gpt-4o', 'org/large:q4')) })
    await expect.poll(names).toEqual(['tiny', 'gpt-4o', 'org/large:q4'])
    expect(await ask('tiny')).toBe('by tiny')
    expect(await ask('up/tiny')).toBe('by tiny')
    expect(await ask('org/large:q4')).toBe('by org/large:q4')
    expect(await openai.models.retrieve('tiny')).toMatchObject({ id: 'tiny', owned_by: 'up' })
    // The catalogue adds its facts about a known name.
    expect(await openai.models.retrieve('gpt-4o')).toMatchObject({ owned_by: 'up', context_window: 128_000 })
    const [asked] = upstreams.up?.seen ?? []
    expect([asked?.method, asked?.url, asked?.body]).toEqual(['GET', '/v1/models', ''])
    expect(asked?.headers.authorization).toBe(`Bearer ${SECRET}`)
  })

  it('adds and removes models with each refresh', async () => {
    const { names, ask, upstreams } = await start({ up: serving(listOf('old', 'both')) })
    await expect.poll(names).toEqual(['old', 'both'])
    expect(await ask('old')).toBe('by old')
    if (upstreams.up) upstreams.up.script = serving(listOf('both', 'new'))
    await expect.poll(names, eventually).toEqual(['both', 'new'])
    expect(await ask('new')).toBe('by new')
    await expect(ask('old')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
    // A name with its provider is always accepted.
    expect(await ask('up/old')).toBe('by old')
  })

  it('keeps the models while the provider is down, and logs that once without secrets', async () => {
    const { names, ask, upstreams, logs } = await start({ up: serving(listOf('tiny')) })
    await expect.poll(names).toEqual(['tiny'])
    if (upstreams.up) upstreams.up.script = serving(answerError(401, `Incorrect API key provided: ${SECRET}`))
    const asked = (): number => upstreams.up?.seen.filter(({ method }) => method === 'GET').length ?? 0
    await expect.poll(asked, eventually).toBeGreaterThanOrEqual(3)
    expect(await names()).toEqual(['tiny'])
    expect(await ask('tiny')).toBe('by tiny')
    await expect.poll(() => logs.length).toBe(1)
    expect(logs[0]).toMatchObject({
      details: { provider: 'up' },
      message: "a provider's list of models cannot be read",
    })
    expect(JSON.stringify(logs)).not.toContain(SECRET)
    if (upstreams.up) upstreams.up.script = serving(listOf('tiny', 'new'))
    await expect.poll(names, eventually).toEqual(['tiny', 'new'])
    expect(logs.at(-1)).toMatchObject({ message: "a provider's list of models can be read again" })
  }, 15_000)

  it('answers calls while the list has not arrived', async () => {
    const { names, ask, relay, upstreams } = await start({ up: serving(() => undefined) })
    await expect.poll(() => upstreams.up?.seen.length).toBe(1)
    expect(await names()).toEqual([])
    expect(await ask('up/tiny')).toBe('by tiny')
    expect(upstreams.up?.running.size).toBe(1)
    const before = Date.now()
    await relay.close()
    expect(Date.now() - before).toBeLessThan(500)
    await expect.poll(() => upstreams.up?.running.size).toBe(0)
  })

  it('stops when the relay closes', async () => {
    const { relay, upstreams, names } = await start({ up: serving(listOf('tiny')) })
    await expect.poll(names).toEqual(['tiny'])
    await relay.close()
    const { relay: other, upstreams: others } = await start({ up: serving(listOf('tiny')) })
    await other.close()
    await new Promise((resolve) => setTimeout(resolve, 1.5 * EVERY_MS))
    expect(upstreams.up?.seen).toHaveLength(1)
    expect(others.up?.seen).toHaveLength(0)
  })

  it('is off by default', async () => {
    const { upstreams, names } = await start({ up: serving(listOf('tiny')) }, {}, { refreshModelsMs: undefined })
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await names()).toEqual([])
    expect(upstreams.up?.seen).toHaveLength(0)
    const config = {
      providers: { up: { type: 'openai-compatible', baseURL: 'http://127.0.0.1:9', refreshModelsMs: 10 } },
    }
    expect(() => createRelay(config)).toThrow(ConfigError)
  })

  it('shows a caller only the models that it may use', async () => {
    const keys = [{ id: 'alice', key: KEY, models: ['tiny*'] }]
    const { names, ask } = await start({ up: serving(listOf('tiny', 'large', 'tiny-2')) }, { keys })
    await expect.poll(names).toEqual(['tiny', 'tiny-2'])
    await expect(ask('large')).rejects.toMatchObject({ status: 404 })
  })

  it('expands only the patterns of a models config', async () => {
    const { names, ask } = await start(
      { up: serving(listOf('tiny', 'large')) },
      { models: { quick: 'up/tiny', 'lar*': 'up' } },
    )
    await expect.poll(names).toEqual(['quick', 'large'])
    await expect(ask('tiny')).rejects.toMatchObject({ status: 404 })
    await expect(ask('up/tiny')).rejects.toMatchObject({ status: 404 })
  })

  it('prefers the provider that is known for a name, then the first in the config', async () => {
    const { names, ask, upstreams } = await start({
      first: serving(listOf('shared')),
      second: serving(listOf('shared', 'first/x', 'mine')),
    })
    const expected = ['shared', 'second/shared', 'second/first/x', 'mine']
    await expect.poll(async () => (await names()).toSorted()).toEqual(expected.toSorted())
    await ask('shared')
    await ask('first/x')
    expect(upstreams.first?.seen.filter(({ method }) => method === 'POST')).toHaveLength(2)
    // It leads to the second as soon as the first has it no more.
    if (upstreams.first) upstreams.first.script = serving(listOf())
    await expect.poll(async () => (await names()).toSorted(), eventually).toEqual(['mine', 'second/first/x', 'shared'])
    await ask('shared')
    expect(upstreams.second?.seen.filter(({ method }) => method === 'POST')).toHaveLength(1)
  })

  it('reads the paged lists of Anthropic and Google', async () => {
    const anthropic = await start(
      {
        up: (req, res, seen) => {
          const after = new URL(req.url ?? '', 'http://up').searchParams.get('after_id')
          const id = after === null ? 'claude-one' : 'claude/two & more'.replaceAll(' ', '')
          const page = { data: [{ type: 'model', id }], has_more: after === null, first_id: id, last_id: id }
          return answerJson(page)(req, res, seen)
        },
      },
      {},
      { type: 'anthropic' },
    )
    await expect.poll(anthropic.names).toEqual(['claude-one', 'claude/two&more'])
    expect(anthropic.upstreams.up?.seen.map(({ url }) => url)).toEqual([
      '/v1/models?limit=1000',
      '/v1/models?limit=1000&after_id=claude-one',
    ])
    expect(anthropic.upstreams.up?.seen[0]?.headers).toMatchObject({
      'x-api-key': SECRET,
      'anthropic-version': '2023-06-01',
    })
    const google = await start(
      {
        up: (req, res, seen) => {
          const token = new URL(req.url ?? '', 'http://up').searchParams.get('pageToken')
          const page =
            token === null
              ? { models: [{ name: 'models/gemini-one' }], nextPageToken: 'a&b=c' }
              : { models: [{ name: `models/gemini-${token.length}` }] }
          return answerJson(page)(req, res, seen)
        },
      },
      {},
      { type: 'gemini' },
    )
    await expect.poll(google.names).toEqual(['gemini-one', 'gemini-5'])
    expect(google.upstreams.up?.seen.map(({ url }) => url)).toEqual([
      '/v1beta/models?pageSize=1000',
      '/v1beta/models?pageSize=1000&pageToken=a%26b%3Dc',
    ])
  })

  it('reads at most ten pages', async () => {
    let pages = 0
    const endless: Script = (req, res, seen) =>
      answerJson({ data: [{ id: `claude-${++pages}` }], has_more: true, last_id: `claude-${pages}` })(req, res, seen)
    const { names, upstreams } = await start({ up: endless }, {}, { type: 'anthropic', refreshModelsMs: 60_000 })
    await expect.poll(async () => (await names()).length).toBe(10)
    expect(upstreams.up?.seen).toHaveLength(10)
  })

  it.each<readonly [string, Script]>([
    ['a page of HTML', answerJson('<html><body>Hello</body></html>')],
    ['an error under 200', answerJson({ error: { message: 'no' } })],
    ['a redirect', (_req, res) => void res.writeHead(302, { location: 'http://169.254.169.254/' }).end()],
    ['10 MB', answerJson({ object: 'list', data: [{ id: 'x'.repeat(10_000_000) }] })],
    [
      'half an answer',
      (_req, res) => void res.writeHead(200, { 'content-length': '99' }).write('{"data":[{"id":"x"}]'),
    ],
    ['nothing at all', (req) => void req.socket.destroy()],
  ])('ignores lists that are %s', async (_what, nonsense) => {
    const cut: Script = (req, res, seen) => {
      setTimeout(() => res.destroy(), 50)
      return nonsense(req, res, seen)
    }
    const { names, ask, logs } = await start({ up: serving(cut) })
    await expect.poll(() => logs.length, eventually).toBe(1)
    expect(await names()).toEqual([])
    expect(await ask('up/tiny')).toBe('by tiny')
  })

  it('limits the number of names, and skips invalid ones', async () => {
    const many = Array.from({ length: 100_000 }, (_each, index) => `model-${index}`)
    const odd = ['*', 'a*', '', ' ', 'line\nend', 'é', 'x'.repeat(300), 'good', 'good', '__proto__']
    const rows = [...odd, ...many].map((id) => ({ id }))
    const { names, ask } = await start({ up: serving(answerJson([...rows, null, 7, { name: 'x' }])) })
    await expect.poll(async () => (await names()).length).toBe(2000)
    expect((await names()).slice(0, 3)).toEqual(['good', '__proto__', 'model-0'])
    await expect(ask('anything')).rejects.toMatchObject({ status: 404 })
    expect(await ask('__proto__')).toBe('by __proto__')
  })

  it('applies the provider’s timeouts, and tries again later', async () => {
    const { names, logs, upstreams } = await start(
      { up: serving(() => undefined) },
      {},
      { timeouts: { headersMs: 200 } },
    )
    await expect.poll(() => logs.length, eventually).toBe(1)
    expect(logs[0]).toMatchObject({ details: { error: 'The provider timed out.' } })
    if (upstreams.up) upstreams.up.script = serving(listOf('tiny'))
    await expect.poll(names, eventually).toEqual(['tiny'])
  })

  it('reads compressed lists, with the host’s sign hook', async () => {
    const list = gzipSync(JSON.stringify({ data: [{ id: 'tiny' }] }))
    const packed: Script = (_req, res) =>
      void res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(list)
    const signed: UnsignedRequest[] = []
    const sign: Sign = (request) => {
      signed.push(request)
      return { authorization: 'Bearer of-an-hour' }
    }
    const { names, upstreams } = await start({ up: packed }, { sign })
    await expect.poll(names).toEqual(['tiny'])
    expect(signed).toMatchObject([{ provider: 'up', method: 'GET', url: `${upstreams.up?.baseURL}/models` }])
    expect(upstreams.up?.seen[0]?.headers.authorization).toBe('Bearer of-an-hour')
  })

  it('uses a backup base URL or another key after a failure', async () => {
    const script: Script = (req, res, seen) =>
      (req.headers.authorization === 'Bearer second-key-000' ? listOf('tiny') : answerError(401, 'no'))(req, res, seen)
    const { names } = await start({ up: script }, {}, { apiKey: ['first-key-0000', 'second-key-000'] })
    await expect.poll(names).toEqual(['tiny'])
  })
})
